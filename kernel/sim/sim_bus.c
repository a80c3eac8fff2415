/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: newbus for one device at a time on a VMBus, its sysctl
 * tree, hints, and devctl.
 */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/bus.h>
#include <sys/conf.h>
#include <sys/devctl.h>
#include <sys/sysctl.h>

#include <dev/hyperv/include/hyperv.h>
#include <dev/hyperv/include/vmbus.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sim.h"
#include "sim_vmbus.h"
#include "sim_wait.h"
#include "vmbus_if.h"

#define DEVCTL_TEXT_MAX 256

struct sim_device {
	const struct sim_driver *driver;
	struct vmbus_channel *channel;
	void *softc;
	const char *description;
	char nameunit[32];
};

struct sysctl_oid {
	struct sysctl_oid *next;     /* of all */
	struct sysctl_oid *ctx_next; /* of its context */
	const char *name;
	unsigned int access;
	void *arg1;
	intmax_t arg2;
	sim_sysctl_handler *handler;
};

/* Held while a handler runs: freeing a context waits for it. */
static pthread_mutex_t sysctl_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sysctl_oid *sysctls;

static pthread_mutex_t bus_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *disabled_hint;
static unsigned devctl_events;
static char devctl_text[DEVCTL_TEXT_MAX];

void *
device_get_softc(device_t dev)
{
	return (dev->softc);
}

void *
device_get_ivars(device_t dev)
{
	return (dev->channel);
}

const char *
device_get_nameunit(device_t dev)
{
	return (dev->nameunit);
}

/* The bus needs no device of its own here. */
device_t
device_get_parent(device_t dev __unused)
{
	return (NULL);
}

/* All sysctls of drivers are in one tree: there is one device. */
struct sysctl_oid *
device_get_sysctl_tree(device_t dev __unused)
{
	return (NULL);
}

void
device_set_desc(device_t dev, const char *description)
{
	dev->description = description;
}

int
device_printf(device_t dev, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	fprintf(stderr, "%s: ", dev->nameunit);
	length = vfprintf(stderr, format, arguments);
	va_end(arguments);
	return (length);
}

int
resource_disabled(const char *name, int unit __unused)
{
	int disabled;

	pthread_mutex_lock(&bus_lock);
	disabled = disabled_hint != NULL && strcmp(disabled_hint, name) == 0;
	pthread_mutex_unlock(&bus_lock);
	return (disabled);
}

void
sim_hint_disable(const char *driver)
{
	pthread_mutex_lock(&bus_lock);
	disabled_hint = driver;
	pthread_mutex_unlock(&bus_lock);
}

int
VMBUS_PROBE_GUID(device_t bus __unused, device_t dev,
    const struct hyperv_guid *guid)
{
	return (sim_channel_is(dev->channel, guid->hv_guid) ? 0 : ENXIO);
}

static int
call(struct sim_device *dev, const char *method)
{
	const struct sim_method *m;

	for (m = dev->driver->methods; m->name != NULL; m++)
		if (strcmp(m->name, method) == 0)
			return (m->func(dev));
	sim_panic("driver without %s", method);
}

static void
device_free(struct sim_device *dev)
{
	free(dev->softc);
	free(dev);
}

int
sim_device_attach(const struct sim_driver *driver,
    struct vmbus_channel *channel, struct sim_device **devicep)
{
	struct sim_device *dev;
	int error;

	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		return (ENOMEM);
	dev->driver = driver;
	dev->channel = channel;
	snprintf(dev->nameunit, sizeof(dev->nameunit), "%s0", driver->name);
	dev->softc = calloc(1, driver->softc_size);
	if (dev->softc == NULL) {
		free(dev);
		return (ENOMEM);
	}
	error = call(dev, "device_probe");
	if (error <= 0)
		error = call(dev, "device_attach");
	if (error != 0) {
		device_free(dev);
		return (error);
	}
	*devicep = dev;
	return (0);
}

int
sim_device_detach(struct sim_device *dev)
{
	int error = call(dev, "device_detach");

	if (error == 0)
		device_free(dev);
	return (error);
}

int
sim_module_load(struct sim_module *module)
{
	return (module->handler(module, MOD_LOAD, module->arg));
}

int
sim_module_unload(struct sim_module *module)
{
	return (module->handler(module, MOD_UNLOAD, module->arg));
}

int
sysctl_ctx_init(struct sysctl_ctx_list *ctx)
{
	ctx->first = NULL;
	return (0);
}

void
sim_sysctl_add(struct sysctl_ctx_list *ctx,
    struct sysctl_oid_list *parent __unused, const char *name,
    unsigned int access, void *arg1, intmax_t arg2, sim_sysctl_handler *handler)
{
	struct sysctl_oid *oid;

	oid = calloc(1, sizeof(*oid));
	if (oid == NULL)
		sim_panic("out of memory");
	oid->name = name;
	oid->access = access;
	oid->arg1 = arg1;
	oid->arg2 = arg2;
	oid->handler = handler;
	pthread_mutex_lock(&sysctl_lock);
	oid->next = sysctls;
	sysctls = oid;
	oid->ctx_next = ctx->first;
	ctx->first = oid;
	pthread_mutex_unlock(&sysctl_lock);
}

int
sysctl_ctx_free(struct sysctl_ctx_list *ctx)
{
	struct sysctl_oid *oid, **link;

	pthread_mutex_lock(&sysctl_lock);
	while ((oid = ctx->first) != NULL) {
		ctx->first = oid->ctx_next;
		for (link = &sysctls; *link != oid; link = &(*link)->next)
			;
		*link = oid->next;
		free(oid);
	}
	pthread_mutex_unlock(&sysctl_lock);
	return (0);
}

int
sysctl_handle_int(struct sysctl_oid *oid __unused, void *arg1,
    intmax_t arg2 __unused, struct sysctl_req *req)
{
	int *value = arg1;

	if (req->oldtext != NULL)
		snprintf(req->oldtext, req->oldsize, "%d", *value);
	if (req->newptr != NULL)
		*value = *req->newptr;
	return (0);
}

int
sysctl_handle_64(struct sysctl_oid *oid __unused, void *arg1,
    intmax_t arg2 __unused, struct sysctl_req *req)
{
	if (req->newptr != NULL)
		return (EPERM);
	if (req->oldtext != NULL)
		snprintf(req->oldtext, req->oldsize, "%ju",
		    (uintmax_t) * (const uint64_t *)arg1);
	return (0);
}

int
sysctl_handle_string(struct sysctl_oid *oid __unused, void *arg1,
    intmax_t arg2 __unused, struct sysctl_req *req)
{
	if (req->newptr != NULL)
		return (EPERM);
	if (req->oldtext != NULL)
		snprintf(req->oldtext, req->oldsize, "%s", (const char *)arg1);
	return (0);
}

static int
sysctl_call(const char *name, struct sysctl_req *req)
{
	struct sysctl_oid *oid;
	int error = ENOENT;

	pthread_mutex_lock(&sysctl_lock);
	for (oid = sysctls; oid != NULL; oid = oid->next)
		if (strcmp(oid->name, name) == 0) {
			if (req->newptr != NULL &&
			    (oid->access & CTLFLAG_RW) != CTLFLAG_RW)
				error = EPERM;
			else
				error = oid->handler(oid, oid->arg1, oid->arg2,
				    req);
			break;
		}
	pthread_mutex_unlock(&sysctl_lock);
	return (error);
}

int
sim_sysctl_get(const char *name, char *text, size_t size)
{
	struct sysctl_req req = { .oldtext = text, .oldsize = size };

	return (sysctl_call(name, &req));
}

int
sim_sysctl_set(const char *name, int value)
{
	struct sysctl_req req = { .newptr = &value };

	return (sysctl_call(name, &req));
}

uint64_t
sim_sysctl_number(const char *name)
{
	char text[32];

	if (sim_sysctl_get(name, text, sizeof(text)) != 0)
		return (0);
	return (strtoull(text, NULL, 10));
}

void
devctl_notify(const char *system, const char *subsystem, const char *type,
    const char *data)
{
	pthread_mutex_lock(&bus_lock);
	devctl_events++;
	snprintf(devctl_text, sizeof(devctl_text),
	    "!system=%s subsystem=%s type=%s %s", system, subsystem, type,
	    data);
	pthread_mutex_unlock(&bus_lock);
}

unsigned
sim_devctl_count(void)
{
	unsigned count;

	pthread_mutex_lock(&bus_lock);
	count = devctl_events;
	pthread_mutex_unlock(&bus_lock);
	return (count);
}

void
sim_devctl_last(char *text, size_t size)
{
	pthread_mutex_lock(&bus_lock);
	snprintf(text, size, "%s", devctl_text);
	pthread_mutex_unlock(&bus_lock);
}
