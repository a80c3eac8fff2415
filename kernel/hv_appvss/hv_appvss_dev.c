/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two character devices: who may open them, poll, kqueue, and the three
 * ioctls.  Turns what userland does into events of the request queue and its
 * verdicts into errno values; decides nothing itself.
 *
 * A file that is not open for writing never takes part: it occupies no slot,
 * nothing waits for it, and it can only ask for results.
 */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/event.h>
#include <sys/fcntl.h>
#include <sys/filio.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/selinfo.h>

#include "hv_appvss_var.h"

static d_open_t hv_appvss_open;
static d_ioctl_t hv_appvss_ioctl;
static d_poll_t hv_appvss_poll;
static d_kqfilter_t hv_appvss_kqfilter;

static struct cdevsw hv_appvss_cdevsw = {
	.d_version = D_VERSION,
	.d_open = hv_appvss_open,
	.d_ioctl = hv_appvss_ioctl,
	.d_poll = hv_appvss_poll,
	.d_kqfilter = hv_appvss_kqfilter,
	.d_name = "hv_appvss",
};

static const char *const dev_names[HV_APPVSS_DEVS] = {
	[HV_APPVSS_DEV_APP] = APP_VSS_DEV_NAME,
	[HV_APPVSS_DEV_FS] = FS_VSS_DEV_NAME,
};

/*
 * The last close of an open file, or the end of the device.  The core is not
 * freed before this has let go of the mutex.
 */
static void
hv_appvss_file_free(void *arg)
{
	struct hv_appvss_file *file = arg;
	struct hv_appvss_dev *dev = file->dev;
	struct hv_appvss_core *core = dev->core;
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_CLOSE,
		.dev = dev->id };

	mtx_lock(&core->mtx);
	if (dev->owner == file) {
		dev->owner = NULL;
		hv_appvss_log(core, HV_APPVSS_LOG_RESULT, "%s closed",
		    dev_names[dev->id]);
		(void)hv_appvss_core_event(core, event);
	}
	free(file, M_HV_APPVSS);
	if (--core->files == 0)
		wakeup(&core->files);
	mtx_unlock(&core->mtx);
}

static int
hv_appvss_open(struct cdev *cdev, int oflags, int devtype __unused,
    struct thread *td __unused)
{
	struct hv_appvss_dev *dev = cdev->si_drv1;
	struct hv_appvss_core *core = dev->core;
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_OPEN,
		.dev = dev->id };
	struct hv_appvss_file *file;
	int error;

	file = malloc(sizeof(*file), M_HV_APPVSS, M_WAITOK | M_ZERO);
	file->dev = dev;
	file->may_write = (oflags & FWRITE) != 0;
	mtx_lock(&core->mtx);
	core->files++;
	mtx_unlock(&core->mtx);
	error = devfs_set_cdevpriv(file, hv_appvss_file_free);
	if (error != 0) {
		hv_appvss_file_free(file);
		return (error);
	}

	/* If this fails, devfs calls the destructor. */
	mtx_lock(&core->mtx);
	if (core->gone)
		error = ENXIO;
	else if (file->may_write && dev->owner != NULL)
		error = EBUSY;
	else if (file->may_write) {
		dev->owner = file;
		hv_appvss_log(core, HV_APPVSS_LOG_RESULT, "%s opened",
		    dev_names[dev->id]);
		(void)hv_appvss_core_event(core, event);
	}
	mtx_unlock(&core->mtx);
	return (error);
}

static int
hv_appvss_read_request(struct hv_appvss_file *file, struct hv_vss_opt_msg *msg)
{
	struct hv_appvss_core *core = file->dev->core;
	enum hv_vss_op_t op = HV_VSS_NONE;
	uint64_t msgid = 0;
	bool found;

	mtx_lock(&core->mtx);
	if (core->gone) {
		mtx_unlock(&core->mtx);
		return (ENXIO);
	}
	found = file->may_write &&
	    hv_appvss_queue_read(&core->queue, file->dev->id, &op, &msgid);
	if (found)
		hv_appvss_log(core, HV_APPVSS_LOG_MESSAGE,
		    "%s reads %s msgid=%ju", dev_names[file->dev->id],
		    hv_appvss_op_name(op), (uintmax_t)msgid);
	mtx_unlock(&core->mtx);
	memset(msg, 0, sizeof(*msg));
	msg->opt = op;
	msg->msgid = msgid;
	msg->status = found ? VSS_SUCCESS : VSS_FAIL;
	return (0);
}

static int
hv_appvss_write_answer(struct hv_appvss_file *file,
    const struct hv_vss_opt_msg *msg)
{
	struct hv_appvss_core *core = file->dev->core;
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_ANSWER,
		.dev = file->dev->id };
	int error = 0;

	if (!file->may_write)
		return (EACCES);
	if (msg->opt <= HV_VSS_NONE || msg->opt >= HV_VSS_COUNT ||
	    (msg->status != VSS_SUCCESS && msg->status != VSS_FAIL))
		return (EINVAL);
	event.op = msg->opt;
	event.msgid = msg->msgid;
	event.success = msg->status == VSS_SUCCESS;
	mtx_lock(&core->mtx);
	switch (hv_appvss_core_event(core, event)) {
	case HV_APPVSS_TAKEN:
		break;
	case HV_APPVSS_INVALID:
		error = EINVAL;
		break;
	case HV_APPVSS_LATE:
		core->counters.late_answers++;
		error = ETIMEDOUT;
		hv_appvss_log(core, HV_APPVSS_LOG_FAILURE,
		    "%s answers %s too late: msgid=%ju", dev_names[event.dev],
		    hv_appvss_op_name(event.op), (uintmax_t)event.msgid);
		break;
	case HV_APPVSS_UNKNOWN:
		error = ESRCH;
		break;
	case HV_APPVSS_GONE:
		error = ENXIO;
		break;
	}
	mtx_unlock(&core->mtx);
	return (error);
}

static int
hv_appvss_ask_result(struct hv_appvss_file *file, struct hv_vss_result *answer)
{
	struct hv_appvss_core *core = file->dev->core;
	const struct hv_appvss_result *result;
	uint64_t msgid = answer->msgid;

	memset(answer, 0, sizeof(*answer));
	answer->msgid = msgid;
	answer->told = VSS_TOLD_FORGOTTEN;
	mtx_lock(&core->mtx);
	if (core->gone) {
		mtx_unlock(&core->mtx);
		return (ENXIO);
	}
	result = hv_appvss_queue_result(&core->queue, msgid);
	if (result != NULL) {
		answer->told = result->told;
		answer->elapsed_us = result->elapsed_us;
		if (result->told == VSS_TOLD_FAIL ||
		    result->told == VSS_TOLD_TIMEOUT)
			answer->status = HV_APPVSS_STATUS_FAIL;
	}
	mtx_unlock(&core->mtx);
	return (0);
}

static int
hv_appvss_ioctl(struct cdev *cdev __unused, u_long cmd, caddr_t data,
    int fflag __unused, struct thread *td __unused)
{
	struct hv_appvss_file *file;
	int error;

	error = devfs_get_cdevpriv((void **)&file);
	if (error != 0)
		return (error);
	switch (cmd) {
	case IOCHVVSSREAD:
		return (hv_appvss_read_request(file, (void *)data));
	case IOCHVVSSWRITE:
		return (hv_appvss_write_answer(file, (void *)data));
	case IOCHVVSSRESULT:
		return (hv_appvss_ask_result(file, (void *)data));
	case FIONBIO:
		/* fcntl(F_SETFL) asks for both; nothing here ever blocks. */
		return (0);
	case FIOASYNC:
		return (*(int *)(void *)data == 0 ? 0 : ENOTTY);
	default:
		return (ENOTTY);
	}
}

static int
hv_appvss_poll(struct cdev *cdev, int events, struct thread *td)
{
	struct hv_appvss_dev *dev = cdev->si_drv1;
	struct hv_appvss_core *core = dev->core;
	struct hv_appvss_file *file;
	int revents = 0;

	if (devfs_get_cdevpriv((void **)&file) != 0)
		return (POLLNVAL);
	mtx_lock(&core->mtx);
	if (core->gone)
		revents = POLLHUP | (events & (POLLIN | POLLRDNORM));
	else if (file->may_write &&
	    hv_appvss_queue_waits(&core->queue, dev->id))
		revents = events & (POLLIN | POLLRDNORM);
	if (revents == 0)
		selrecord(td, &dev->selinfo);
	mtx_unlock(&core->mtx);
	return (revents);
}

static void
hv_appvss_kq_detach(struct knote *kn)
{
	struct hv_appvss_dev *dev = kn->kn_hook;

	mtx_lock(&dev->core->mtx);
	knlist_remove(&dev->selinfo.si_note, kn, 1);
	dev->knotes--;
	mtx_unlock(&dev->core->mtx);
}

static int
hv_appvss_kq_event(struct knote *kn, long hint __unused)
{
	struct hv_appvss_dev *dev = kn->kn_hook;
	struct hv_appvss_core *core = dev->core;

	mtx_assert(&core->mtx, MA_OWNED);
	if (core->gone) {
		kn->kn_flags |= EV_EOF;
		return (1);
	}
	kn->kn_data = hv_appvss_queue_waits(&core->queue, dev->id) ?
	    sizeof(struct hv_vss_opt_msg) :
	    0;
	return (kn->kn_data != 0);
}

/*
 * A knote that a process keeps outlives the device, and even the module: the
 * kernel goes on using its kn_fop.  So the filter is not in the module but in
 * memory of its own, from a type that does not end with the module.
 */
static struct filterops *
hv_appvss_kq_create(void)
{
	struct filterops *filterops;

	filterops = malloc(sizeof(*filterops), M_DEVBUF, M_WAITOK | M_ZERO);
	filterops->f_isfd = 1;
	filterops->f_detach = hv_appvss_kq_detach;
	filterops->f_event = hv_appvss_kq_event;
	return (filterops);
}

/*
 * Takes all knotes off the device.  The core is stopped: they have fired with
 * EV_EOF, and there will be no new one once the device is destroyed.  From here
 * on the kernel calls nothing of a knote but f_event, which becomes a function
 * of the kernel that says "yes", and reads f_isfd.
 */
static void
hv_appvss_kq_abandon(struct hv_appvss_dev *dev)
{
	mtx_lock(&dev->core->mtx);
	dev->filterops->f_event = (int (*)(struct knote *, long))(
	    void *)eopnotsupp;
	mtx_unlock(&dev->core->mtx);
	knlist_clear(&dev->selinfo.si_note, 0);
}

/* The filter belongs to the knotes that are left, for ever; mostly to none. */
static void
hv_appvss_kq_destroy(struct hv_appvss_dev *dev)
{
	if (dev->knotes == 0)
		free(dev->filterops, M_DEVBUF);
}

static int
hv_appvss_kqfilter(struct cdev *cdev, struct knote *kn)
{
	struct hv_appvss_dev *dev = cdev->si_drv1;
	struct hv_appvss_file *file;
	int error;

	if (kn->kn_filter != EVFILT_READ)
		return (EINVAL);
	error = devfs_get_cdevpriv((void **)&file);
	if (error != 0)
		return (error);
	if (!file->may_write)
		return (EACCES);
	mtx_lock(&dev->core->mtx);
	if (dev->core->gone)
		error = ENXIO;
	else {
		kn->kn_fop = dev->filterops;
		kn->kn_hook = dev;
		dev->knotes++;
		knlist_add(&dev->selinfo.si_note, kn, 1);
	}
	mtx_unlock(&dev->core->mtx);
	return (error);
}

int
hv_appvss_devs_create(struct hv_appvss_core *core)
{
	struct make_dev_args args;
	struct hv_appvss_dev *dev;
	int error, i;

	for (i = 0; i < HV_APPVSS_DEVS; i++) {
		dev = &core->devs[i];
		dev->core = core;
		dev->id = i;
		dev->filterops = hv_appvss_kq_create();
		knlist_init_mtx(&dev->selinfo.si_note, &core->mtx);
	}
	for (i = 0; i < HV_APPVSS_DEVS; i++) {
		dev = &core->devs[i];
		make_dev_args_init(&args);
		args.mda_flags = MAKEDEV_CHECKNAME | MAKEDEV_WAITOK;
		args.mda_devsw = &hv_appvss_cdevsw;
		args.mda_uid = UID_ROOT;
		args.mda_gid = GID_WHEEL;
		args.mda_mode = 0640;
		args.mda_si_drv1 = dev;
		error = make_dev_s(&args, &dev->cdev, "%s", dev_names[i]);
		if (error != 0) {
			dev->cdev = NULL;
			hv_appvss_log(core, HV_APPVSS_LOG_ERROR,
			    "cannot make /dev/%s: error %d%s", dev_names[i],
			    error,
			    error == EEXIST ?
				" (another driver, such as hvvss, serves it)" :
				"");
			return (error);
		}
	}
	return (0);
}

/* The core is stopped: kqfilter and open refuse. */
void
hv_appvss_devs_destroy(struct hv_appvss_core *core)
{
	struct hv_appvss_dev *dev;
	int i;

	for (i = 0; i < HV_APPVSS_DEVS; i++) {
		dev = &core->devs[i];
		if (dev->cdev != NULL)
			destroy_dev(dev->cdev);
		dev->cdev = NULL;
	}
	/* A close in another thread may still be in its destructor. */
	mtx_lock(&core->mtx);
	while (core->files != 0)
		mtx_sleep(&core->files, &core->mtx, 0, "hvavss", 0);
	mtx_unlock(&core->mtx);
	for (i = 0; i < HV_APPVSS_DEVS; i++) {
		dev = &core->devs[i];
		seldrain(&dev->selinfo);
		hv_appvss_kq_abandon(dev);
		knlist_destroy(&dev->selinfo.si_note);
		hv_appvss_kq_destroy(dev);
	}
}
