/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated kernel from outside: what user programs, the host and the
 * person at the machine do to it.  The driver under it sees include/ only.
 * There is one kernel in a process, as on a machine.  Every function may be
 * called from any thread, unless it says otherwise.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_device;
struct sim_driver;
struct sim_file;
struct sim_knote;
struct vmbus_channel;

struct sim_module;

/* A driver is named by its symbol: sim_driver_NAME. */
extern const struct sim_driver *const sim_driver_hv_appvss;
/* And a module that is no driver of a bus: sim_module_NAME. */
extern struct sim_module *const sim_module_hv_appvss_sim;

/*
 * User programs.  Errors are positive errno values, as the driver returns them.
 */
#define SIM_READ  1
#define SIM_WRITE 2

/* Opens a device by name.  0 and an owned file, closed by sim_close. */
int sim_open(const char *name, int flags, struct sim_file **filep);

/* One more reference (dup, fork): each needs its own sim_close. */
void sim_dup(struct sim_file *file);

/* data is copied in and out as the ioctl's number says. */
int sim_ioctl(struct sim_file *file, unsigned long cmd, void *data);

/* poll(2) on one file; timeout_ms 0 does not wait, -1 waits for ever. */
int sim_poll(struct sim_file *file, int events, int timeout_ms);

/*
 * For a poller that must see a device become unreadable too: the count of all
 * wake-ups so far, a wait for it to leave seen, and a wake-up for nothing.
 */
uint64_t sim_wakeups(void);
void sim_wait_wakeup(uint64_t seen, int timeout_ms);
void sim_notify(void);

void sim_close(struct sim_file *file);

/* EVFILT_READ on a file.  0 and an owned knote, or an errno value. */
int sim_kq_add(struct sim_file *file, struct sim_knote **knp);

/* Waits for the event: its flags (EV_EOF) and data.  False after timeout_ms. */
bool sim_kq_wait(struct sim_knote *kn, int timeout_ms, unsigned *flags,
    int64_t *data);
/* Before the file is closed or after the device has gone. */
void sim_kq_delete(struct sim_knote *kn);

/* The administrator. */
int sim_device_attach(const struct sim_driver *driver,
    struct vmbus_channel *channel, struct sim_device **devicep);
int sim_device_detach(struct sim_device *device); /* takes device */
/* kldload(8) and kldunload(8): 0 or an errno value. */
int sim_module_load(struct sim_module *module);
int sim_module_unload(struct sim_module *module);
void sim_hint_disable(const char *driver); /* borrows; NULL: none */
/* Names without "dev.NAME.0.".  0 or an errno value; ENOENT: no such. */
int sim_sysctl_get(const char *name, char *text, size_t size);
int sim_sysctl_set(const char *name, int value);
uint64_t sim_sysctl_number(const char *name); /* 0 if there is none */

/* The notifications for devd: how many so far, and the last one. */
unsigned sim_devctl_count(void);
void sim_devctl_last(char *text, size_t size);

/*
 * From now on time passes only by sim_clock_advance, which runs the callouts
 * that become due.  Before the first driver; waits with a timeout other than 0
 * are of no use then.
 */
void sim_clock_stop(void);
void sim_clock_advance(int ms);

/* Frees what knotes of drivers that have gone keep: once there are none. */
void sim_filters_free(void);

/*
 * For tests of a close that races with the end of its device: called before the
 * destructor of a file's private data; NULL: not.  And the threads that sleep
 * in mtx_sleep.
 */
void sim_set_destructor_hook(void (*hook)(void));
unsigned sim_sleepers(void);

/* Lines that drivers have written to the kernel's log. */
unsigned sim_log_count(void);

/* Allocations of drivers that were not freed, but what knotes keep. */
size_t sim_malloc_count(void);

/*
 * The host's end of a VMBus channel.  A channel outlives its device.
 */
struct vmbus_channel *sim_channel_create(const uint8_t guid[16]);
void sim_channel_destroy(struct vmbus_channel *channel);
extern const uint8_t sim_guid_vss[16];

/* Writes a packet for the guest.  0, or ENXIO if the guest has not opened. */
int sim_channel_send(struct vmbus_channel *channel, const void *bytes,
    size_t length, uint64_t xactid);

/*
 * Takes the next packet of the guest: its length, cut to size.  False after
 * timeout_ms, or when interrupted.
 */
bool sim_channel_receive(struct vmbus_channel *channel, void *bytes,
    size_t size, size_t *length, uint64_t *xactid, int timeout_ms);
/* Ends every wait in sim_channel_receive, now and later. */
void sim_channel_interrupt(struct vmbus_channel *channel);
/* The guest's ring is full: its sends fail with EAGAIN. */
void sim_channel_set_full(struct vmbus_channel *channel, bool full);

#endif /* SIM_H */
