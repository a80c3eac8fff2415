/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: newbus, as far as one device with one driver needs it.
 */
#ifndef SIM_SYS_BUS_H
#define SIM_SYS_BUS_H

#include <sys/param.h>

struct sim_device;
struct sysctl_oid;

#define device_t	  struct sim_device *
#define BUS_PROBE_VENDOR  (-10)
#define BUS_PROBE_DEFAULT (-20)

struct sim_method {
	const char *name;
	int (*func)(device_t dev);
};
#define device_method_t struct sim_method
#define DEVMETHOD(name, func) \
	{                     \
#name, func   \
	}
#define DEVMETHOD_END      \
	{                  \
		NULL, NULL \
	}

struct sim_driver {
	const char *name;
	const struct sim_method *methods;
	size_t softc_size;
};
#define driver_t struct sim_driver

/* The simulator's program and tests name the driver by this symbol. */
#define DRIVER_MODULE(name, bus, driver, evh, arg)               \
	extern const struct sim_driver *const sim_driver_##name; \
	const struct sim_driver *const sim_driver_##name = &(driver)

void *device_get_softc(device_t dev);
void *device_get_ivars(device_t dev);
const char *device_get_nameunit(device_t dev);
device_t device_get_parent(device_t dev);
struct sysctl_oid *device_get_sysctl_tree(device_t dev);
void device_set_desc(device_t dev, const char *description);
int device_printf(device_t dev, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int resource_disabled(const char *name, int unit);

#endif /* SIM_SYS_BUS_H */
