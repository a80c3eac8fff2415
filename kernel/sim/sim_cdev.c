/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: devfs.  Character devices by name, open files with their
 * private data, and the rule that a device is destroyed only when no thread is
 * in its driver.
 *
 * Lock: cdev_lock, a leaf; never held while the driver is called.
 */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/conf.h>
#include <sys/event.h>
#include <sys/fcntl.h>
#include <sys/poll.h>
#include <sys/proc.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sim_event.h"

#define NAME_MAX_BYTES	64
#define IOCTL_BYTES_MAX 8192
#define IOC_OUT		0x40000000u
#define IOC_IN		0x80000000u

struct sim_cdev {
	struct cdev cdev; /* first: the driver's view */
	struct cdevsw *devsw;
	char name[NAME_MAX_BYTES];
	bool alive;
	unsigned int threads;	 /* in the driver */
	unsigned int references; /* the list, and open files */
	struct sim_file *files;
	struct sim_cdev *next;
};

struct sim_file {
	struct sim_cdev *cdev;
	struct sim_file *next;	 /* in cdev->files, while it has private data */
	unsigned int references; /* descriptors */
	unsigned int users;	 /* threads in a call on it */
	bool closed;		 /* atomic */
	void *priv;
	void (*destructor)(void *priv);
};

struct sim_knote {
	struct knote kn;
};

static pthread_mutex_t cdev_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cdev_cond = PTHREAD_COND_INITIALIZER;
static struct sim_cdev *cdevs;
static void (*destructor_hook)(void); /* atomic */

/* The file of the call that this thread is in. */
static _Thread_local struct sim_file *current_file;

static void
cdev_release(struct sim_cdev *dev)
{
	if (--dev->references == 0)
		free(dev);
}

static struct sim_cdev *
cdev_find(const char *name)
{
	struct sim_cdev *dev;

	for (dev = cdevs; dev != NULL; dev = dev->next)
		if (strcmp(dev->name, name) == 0)
			return (dev);
	return (NULL);
}

void
make_dev_args_init(struct make_dev_args *args)
{
	memset(args, 0, sizeof(*args));
}

int
make_dev_s(struct make_dev_args *args, struct cdev **devp, const char *format,
    ...)
{
	struct sim_cdev *dev;
	va_list arguments;

	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		sim_panic("out of memory");
	va_start(arguments, format);
	vsnprintf(dev->name, sizeof(dev->name), format, arguments);
	va_end(arguments);
	dev->devsw = args->mda_devsw;
	dev->cdev.si_drv1 = args->mda_si_drv1;
	dev->alive = true;
	dev->references = 1;
	pthread_mutex_lock(&cdev_lock);
	if (cdev_find(dev->name) != NULL) {
		pthread_mutex_unlock(&cdev_lock);
		if ((args->mda_flags & MAKEDEV_CHECKNAME) == 0)
			sim_panic("make_dev_s: %s exists", dev->name);
		free(dev);
		return (EEXIST);
	}
	dev->next = cdevs;
	cdevs = dev;
	pthread_mutex_unlock(&cdev_lock);
	*devp = &dev->cdev;
	return (0);
}

void
sim_set_destructor_hook(void (*hook)(void))
{
	__atomic_store_n(&destructor_hook, hook, __ATOMIC_RELEASE);
}

/* Detaches private data from its file, and calls the destructor once. */
static void
file_clear_priv(struct sim_file *file)
{
	struct sim_file **link;
	void (*hook)(void);
	void (*destructor)(void *);
	void *priv;

	pthread_mutex_lock(&cdev_lock);
	destructor = file->destructor;
	priv = file->priv;
	file->destructor = NULL;
	file->priv = NULL;
	for (link = &file->cdev->files; *link != NULL; link = &(*link)->next)
		if (*link == file) {
			*link = file->next;
			break;
		}
	pthread_mutex_unlock(&cdev_lock);
	if (destructor == NULL)
		return;
	hook = __atomic_load_n(&destructor_hook, __ATOMIC_ACQUIRE);
	if (hook != NULL)
		hook();
	destructor(priv);
}

void
destroy_dev(struct cdev *cdev)
{
	struct sim_cdev *dev = (struct sim_cdev *)(void *)cdev, **link;

	pthread_mutex_lock(&cdev_lock);
	for (link = &cdevs; *link != dev; link = &(*link)->next)
		if (*link == NULL)
			sim_panic("destroy_dev of a device that is none");
	*link = dev->next;
	dev->alive = false;
	while (dev->threads != 0)
		pthread_cond_wait(&cdev_cond, &cdev_lock);
	while (dev->files != NULL) {
		struct sim_file *file = dev->files;

		file->users++;
		pthread_mutex_unlock(&cdev_lock);
		file_clear_priv(file);
		pthread_mutex_lock(&cdev_lock);
		file->users--;
		pthread_cond_broadcast(&cdev_cond);
	}
	cdev_release(dev);
	pthread_mutex_unlock(&cdev_lock);
	sim_notify();
}

int
devfs_set_cdevpriv(void *priv, void (*destructor)(void *priv))
{
	struct sim_file *file = current_file;

	if (file == NULL)
		return (ENOENT);
	pthread_mutex_lock(&cdev_lock);
	if (file->destructor != NULL) {
		pthread_mutex_unlock(&cdev_lock);
		return (EBUSY);
	}
	file->priv = priv;
	file->destructor = destructor;
	file->next = file->cdev->files;
	file->cdev->files = file;
	pthread_mutex_unlock(&cdev_lock);
	return (0);
}

int
devfs_get_cdevpriv(void **privp)
{
	int error = ENOENT;

	pthread_mutex_lock(&cdev_lock);
	if (current_file != NULL && current_file->destructor != NULL) {
		*privp = current_file->priv;
		error = 0;
	}
	pthread_mutex_unlock(&cdev_lock);
	return (error);
}

/* Enters the driver on behalf of file; false if the device has gone. */
static bool
driver_enter(struct sim_file *file)
{
	bool alive;

	pthread_mutex_lock(&cdev_lock);
	alive = file->cdev->alive;
	if (alive)
		file->cdev->threads++;
	file->users++;
	pthread_mutex_unlock(&cdev_lock);
	current_file = file;
	return (alive);
}

static void
driver_leave(struct sim_file *file, bool entered)
{
	current_file = NULL;
	pthread_mutex_lock(&cdev_lock);
	if (entered)
		file->cdev->threads--;
	file->users--;
	pthread_cond_broadcast(&cdev_cond);
	pthread_mutex_unlock(&cdev_lock);
}

int
sim_open(const char *name, int flags, struct sim_file **filep)
{
	struct thread td = { 0 };
	struct sim_file *file;
	struct sim_cdev *dev;
	bool entered;
	int error = ENXIO;

	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return (ENOMEM);
	file->references = 1;
	pthread_mutex_lock(&cdev_lock);
	dev = cdev_find(name);
	if (dev == NULL) {
		pthread_mutex_unlock(&cdev_lock);
		free(file);
		return (ENOENT);
	}
	dev->references++;
	file->cdev = dev;
	pthread_mutex_unlock(&cdev_lock);
	entered = driver_enter(file);
	if (entered)
		error = dev->devsw->d_open(&dev->cdev,
		    ((flags & SIM_READ) != 0 ? FREAD : 0) |
			((flags & SIM_WRITE) != 0 ? FWRITE : 0),
		    0, &td);
	if (error != 0)
		file_clear_priv(file);
	driver_leave(file, entered);
	if (error != 0) {
		sim_close(file);
		return (error);
	}
	/* For those who wait for an opener. */
	sim_notify();
	*filep = file;
	return (0);
}

void
sim_dup(struct sim_file *file)
{
	pthread_mutex_lock(&cdev_lock);
	file->references++;
	pthread_mutex_unlock(&cdev_lock);
}

void
sim_close(struct sim_file *file)
{
	pthread_mutex_lock(&cdev_lock);
	if (--file->references != 0) {
		pthread_mutex_unlock(&cdev_lock);
		return;
	}
	pthread_mutex_unlock(&cdev_lock);
	__atomic_store_n(&file->closed, true, __ATOMIC_RELEASE);
	sim_notify();
	file_clear_priv(file);
	pthread_mutex_lock(&cdev_lock);
	while (file->users != 0)
		pthread_cond_wait(&cdev_cond, &cdev_lock);
	cdev_release(file->cdev);
	pthread_mutex_unlock(&cdev_lock);
	free(file);
}

int
sim_ioctl(struct sim_file *file, unsigned long cmd, void *data)
{
	union {
		char bytes[IOCTL_BYTES_MAX];
		uint64_t align;
	} copy;
	size_t size = (cmd >> 16) & 0x1fff;
	struct thread td = { 0 };
	bool entered;
	int error = ENXIO;

	if (size > sizeof(copy.bytes))
		return (ENOTTY);
	memset(copy.bytes, 0, size);
	if ((cmd & IOC_IN) != 0)
		memcpy(copy.bytes, data, size);
	entered = driver_enter(file);
	if (entered)
		error = file->cdev->devsw->d_ioctl(&file->cdev->cdev, cmd,
		    copy.bytes, 0, &td);
	driver_leave(file, entered);
	if (error == 0 && (cmd & IOC_OUT) != 0)
		memcpy(data, copy.bytes, size);
	return (error);
}

int
sim_poll(struct sim_file *file, int events, int timeout_ms)
{
	struct sim_deadline deadline = sim_deadline_after_ms(timeout_ms);
	struct thread td;
	bool entered, woken = true;
	int revents;

	for (;;) {
		sim_thread_init(&td);
		entered = driver_enter(file);
		revents = entered ?
		    file->cdev->devsw->d_poll(&file->cdev->cdev, events, &td) :
		    POLLHUP | (events & (POLLIN | POLLRDNORM));
		if (revents == 0 && timeout_ms != 0 && woken) {
			/* The file may not go, but the device may. */
			pthread_mutex_lock(&cdev_lock);
			file->users++;
			pthread_mutex_unlock(&cdev_lock);
			driver_leave(file, entered);
			woken = sim_thread_wait(&td, &file->closed, deadline);
			driver_leave(file, false);
			if (__atomic_load_n(&file->closed, __ATOMIC_ACQUIRE))
				return (POLLNVAL);
			continue;
		}
		driver_leave(file, entered);
		sim_thread_fini(&td);
		return (revents);
	}
}

int
sim_kq_add(struct sim_file *file, struct sim_knote **knp)
{
	struct sim_knote *kn;
	bool entered;
	int error = ENXIO;

	kn = calloc(1, sizeof(*kn));
	if (kn == NULL)
		return (ENOMEM);
	kn->kn.kn_filter = EVFILT_READ;
	entered = driver_enter(file);
	if (entered && file->cdev->devsw->d_kqfilter == NULL)
		error = ENODEV;
	else if (entered)
		error = file->cdev->devsw->d_kqfilter(&file->cdev->cdev,
		    &kn->kn);
	if (error == 0)
		sim_knote_attached(&kn->kn);
	driver_leave(file, entered);
	if (error != 0) {
		free(kn);
		return (error);
	}
	*knp = kn;
	return (0);
}

bool
sim_kq_wait(struct sim_knote *kn, int timeout_ms, unsigned *flags,
    int64_t *data)
{
	return (sim_knote_wait(&kn->kn, sim_deadline_after_ms(timeout_ms),
	    flags, data));
}

void
sim_kq_delete(struct sim_knote *kn)
{
	sim_knote_detach(&kn->kn);
	free(kn);
}
