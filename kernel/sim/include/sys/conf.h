/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: character devices and data of an open file.
 */
#ifndef SIM_SYS_CONF_H
#define SIM_SYS_CONF_H

#include <sys/param.h>
#include <sys/module.h>

struct cdev;
struct thread;
struct knote;

typedef int d_open_t(struct cdev *dev, int oflags, int devtype,
    struct thread *td);
typedef int d_ioctl_t(struct cdev *dev, unsigned long cmd, caddr_t data,
    int fflag, struct thread *td);
typedef int d_poll_t(struct cdev *dev, int events, struct thread *td);
typedef int d_kqfilter_t(struct cdev *dev, struct knote *kn);

#define D_VERSION 0x17122009

struct cdevsw {
	int d_version;
	const char *d_name;
	d_open_t *d_open;
	d_ioctl_t *d_ioctl;
	d_poll_t *d_poll;
	d_kqfilter_t *d_kqfilter;
};

struct cdev {
	void *si_drv1;
};

struct make_dev_args {
	int mda_flags;
	struct cdevsw *mda_devsw;
	uid_t mda_uid;
	gid_t mda_gid;
	int mda_mode;
	void *mda_si_drv1;
};

#define MAKEDEV_WAITOK	  0x08
#define MAKEDEV_CHECKNAME 0x20
#define UID_ROOT	  0
#define GID_WHEEL	  0

void make_dev_args_init(struct make_dev_args *args);
int make_dev_s(struct make_dev_args *args, struct cdev **devp,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Waits until no thread is in the driver, then runs the destructors. */
void destroy_dev(struct cdev *dev);
int devfs_set_cdevpriv(void *priv, void (*destructor)(void *priv));
int devfs_get_cdevpriv(void **privp);

/* A module that is no device driver; sim.h names it by this symbol. */
struct sim_module {
	const char *name;
	int (*handler)(module_t module, int what, void *arg);
	void *arg;
};
#define DEV_MODULE(name, handler, arg)                                     \
	static struct sim_module name##_mod = { #name, (handler), (arg) }; \
	extern struct sim_module *const sim_module_##name;                 \
	struct sim_module *const sim_module_##name = &name##_mod

#endif /* SIM_SYS_CONF_H */
