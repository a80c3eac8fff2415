/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver without Hyper-V: a pseudo-device whose control node takes what a
 * host would send, so that a snapshot can be rehearsed on any machine.  The
 * module holds the core of hv_appvss itself: it needs neither VMBus nor the
 * other module, and refuses to load while another driver has the devices.
 *
 * Lock order: that of requests, the core's (held when hvsim_send is called),
 * then that of the replies.
 */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/conf.h>
#include <sys/fcntl.h>
#include <sys/filio.h>
#include <sys/kernel.h>
#include <sys/lock.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/mutex.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/selinfo.h>
#include <sys/sysctl.h>

#include "hv_appvss_sim.h"
#include "kernel/hv_appvss/hv_appvss_core.h"
#include "kernel/hv_appvss/hv_appvss_msg.h"

struct reply {
	uint32_t id;
	uint32_t length;
	uint8_t bytes[HV_APPVSS_MSG_MAX];
};

/* One open of the control node: a host, from its start to its end. */
struct hvsim_host {
	struct hvsim *sim;
	uint32_t generation; /* high half of its transaction ids; not 0 */
};

struct hvsim {
	/*
	 * Held while a request is given to the core, so that frozen is true of
	 * what the core was told last, even if the host has several threads.
	 */
	struct mtx request_mtx;
	bool frozen; /* the last word was FREEZE; guarded by it */

	struct mtx mtx; /* guards the rest */
	struct hv_appvss_core *core;
	struct cdev *cdev;
	struct selinfo selinfo;
	struct sysctl_ctx_list sysctl_ctx;

	struct hvsim_host *host; /* the one opener */
	unsigned int hosts;	 /* whose destructor has not run */
	uint32_t generation;	 /* of the last host */
	unsigned int first, count;
	struct reply replies[HV_APPVSS_SIM_REPLIES_MAX];
};

static MALLOC_DEFINE(M_HV_APPVSS_SIM, "hv_appvss_sim",
    "Hyper-V application VSS, simulated host");

static d_open_t hvsim_open;
static d_ioctl_t hvsim_ioctl;
static d_poll_t hvsim_poll;

static struct cdevsw hvsim_cdevsw = {
	.d_version = D_VERSION,
	.d_open = hvsim_open,
	.d_ioctl = hvsim_ioctl,
	.d_poll = hvsim_poll,
	.d_name = HV_APPVSS_SIM_NAME,
};

/* The replies to a host that has gone are for nobody. */
static int
hvsim_send(void *arg, void *bytes, size_t length, uint64_t xactid)
{
	struct hvsim *sim = arg;
	struct reply *reply;
	int error = 0;

	mtx_lock(&sim->mtx);
	if (sim->host == NULL || sim->host->generation != xactid >> 32)
		;
	else if (sim->count == HV_APPVSS_SIM_REPLIES_MAX ||
	    length > sizeof(reply->bytes))
		error = ENOBUFS;
	else {
		reply = &sim->replies[(sim->first + sim->count++) %
		    HV_APPVSS_SIM_REPLIES_MAX];
		reply->id = (uint32_t)xactid;
		reply->length = (uint32_t)length;
		memcpy(reply->bytes, bytes, length);
		selwakeup(&sim->selinfo);
	}
	mtx_unlock(&sim->mtx);
	return (error);
}

/*
 * What a host leaves frozen would stay so until the programs' own limits pass.
 */
static void
hvsim_thaw(struct hvsim *sim)
{
	/* VSS, message version 5.0, 12 bytes of data, a request: THAW. */
	static const uint8_t bytes[HV_APPVSS_MSG_VSS] = { [12] = 5,
		[14] = 5,
		[18] = 12,
		[25] = 3,
		[28] = 6 };

	hv_appvss_core_receive(sim->core, bytes, sizeof(bytes), 0);
}

/* The last close of the node, or its end.  See hv_appvss_file_free. */
static void
hvsim_host_free(void *arg)
{
	struct hvsim_host *host = arg;
	struct hvsim *sim = host->sim;
	bool was_host;

	mtx_lock(&sim->request_mtx);
	mtx_lock(&sim->mtx);
	was_host = sim->host == host;
	if (was_host) {
		sim->host = NULL;
		sim->count = 0;
	}
	mtx_unlock(&sim->mtx);
	/* Before the next host's first word. */
	if (was_host && sim->frozen) {
		sim->frozen = false;
		hvsim_thaw(sim);
	}
	mtx_unlock(&sim->request_mtx);
	free(host, M_HV_APPVSS_SIM);
	mtx_lock(&sim->mtx);
	if (--sim->hosts == 0)
		wakeup(&sim->hosts);
	mtx_unlock(&sim->mtx);
}

static int
hvsim_open(struct cdev *cdev, int oflags, int devtype __unused,
    struct thread *td __unused)
{
	struct hvsim *sim = cdev->si_drv1;
	struct hvsim_host *host;
	int error;

	if ((oflags & (FREAD | FWRITE)) != (FREAD | FWRITE))
		return (EACCES);
	host = malloc(sizeof(*host), M_HV_APPVSS_SIM, M_WAITOK | M_ZERO);
	host->sim = sim;
	mtx_lock(&sim->mtx);
	sim->hosts++;
	mtx_unlock(&sim->mtx);
	error = devfs_set_cdevpriv(host, hvsim_host_free);
	if (error != 0) {
		hvsim_host_free(host);
		return (error);
	}

	/* If this fails, devfs calls the destructor. */
	mtx_lock(&sim->mtx);
	if (sim->host != NULL)
		error = EBUSY;
	else {
		if (++sim->generation == 0)
			sim->generation = 1;
		host->generation = sim->generation;
		sim->host = host;
	}
	mtx_unlock(&sim->mtx);
	return (error);
}

static int
hvsim_request(struct hvsim *sim, struct hvsim_host *host,
    struct hv_appvss_sim_packet *packet)
{
	size_t length = packet->length, padded;
	uint64_t xactid = (uint64_t)host->generation << 32 | packet->id;
	struct hv_appvss_msg msg;

	if (length > sizeof(packet->bytes))
		return (EINVAL);
	padded = roundup2(length, 8);
	memset(packet->bytes + length, 0, padded - length);
	mtx_lock(&sim->request_mtx);
	switch (hv_appvss_msg_decode(&msg, packet->bytes, padded, 0)) {
	case HV_APPVSS_MSG_FREEZE:
		sim->frozen = true;
		break;
	case HV_APPVSS_MSG_THAW:
		sim->frozen = false;
		break;
	case HV_APPVSS_MSG_DROP:
	case HV_APPVSS_MSG_ANSWER:
	case HV_APPVSS_MSG_CHECK:
		break;
	}
	hv_appvss_core_receive(sim->core, packet->bytes, padded, xactid);
	mtx_unlock(&sim->request_mtx);
	return (0);
}

static int
hvsim_take_reply(struct hvsim *sim, struct hv_appvss_sim_packet *packet)
{
	const struct reply *reply;

	memset(packet, 0, sizeof(*packet));
	mtx_lock(&sim->mtx);
	if (sim->count == 0) {
		mtx_unlock(&sim->mtx);
		return (EAGAIN);
	}
	reply = &sim->replies[sim->first];
	packet->id = reply->id;
	packet->length = reply->length;
	memcpy(packet->bytes, reply->bytes, reply->length);
	sim->first = (sim->first + 1) % HV_APPVSS_SIM_REPLIES_MAX;
	sim->count--;
	mtx_unlock(&sim->mtx);
	return (0);
}

static int
hvsim_ioctl(struct cdev *cdev, u_long cmd, caddr_t data, int fflag __unused,
    struct thread *td __unused)
{
	struct hvsim *sim = cdev->si_drv1;
	struct hvsim_host *host;
	int error;

	error = devfs_get_cdevpriv((void **)&host);
	if (error != 0)
		return (error);
	switch (cmd) {
	case HV_APPVSS_SIM_SEND:
		return (hvsim_request(sim, host, (void *)data));
	case HV_APPVSS_SIM_RECEIVE:
		return (hvsim_take_reply(sim, (void *)data));
	case FIONBIO:
		return (0);
	case FIOASYNC:
		return (*(int *)(void *)data == 0 ? 0 : ENOTTY);
	default:
		return (ENOTTY);
	}
}

static int
hvsim_poll(struct cdev *cdev, int events, struct thread *td)
{
	struct hvsim *sim = cdev->si_drv1;
	int revents = events & (POLLOUT | POLLWRNORM);

	mtx_lock(&sim->mtx);
	if (sim->count != 0)
		revents |= events & (POLLIN | POLLRDNORM);
	else if ((events & (POLLIN | POLLRDNORM)) != 0)
		selrecord(td, &sim->selinfo);
	mtx_unlock(&sim->mtx);
	return (revents);
}

static int
hvsim_make_node(struct hvsim *sim)
{
	struct make_dev_args args;
	int error;

	make_dev_args_init(&args);
	args.mda_flags = MAKEDEV_CHECKNAME | MAKEDEV_WAITOK;
	args.mda_devsw = &hvsim_cdevsw;
	args.mda_uid = UID_ROOT;
	args.mda_gid = GID_WHEEL;
	args.mda_mode = 0600;
	args.mda_si_drv1 = sim;
	error = make_dev_s(&args, &sim->cdev, "%s", HV_APPVSS_SIM_NAME);
	if (error != 0)
		sim->cdev = NULL;
	return (error);
}

/*
 * The node first: its opener is the host, which thaws when it goes, and after
 * it nothing calls the core.
 */
static void
hvsim_destroy(struct hvsim *sim)
{
	if (sim->cdev != NULL)
		destroy_dev(sim->cdev);
	mtx_lock(&sim->mtx);
	while (sim->hosts != 0)
		mtx_sleep(&sim->hosts, &sim->mtx, 0, "hvasim", 0);
	mtx_unlock(&sim->mtx);
	seldrain(&sim->selinfo);
	if (sim->core != NULL)
		hv_appvss_core_detach(sim->core);
	sysctl_ctx_free(&sim->sysctl_ctx);
	mtx_destroy(&sim->mtx);
	mtx_destroy(&sim->request_mtx);
	free(sim, M_HV_APPVSS_SIM);
}

static int
hvsim_create(struct hvsim **simp)
{
	struct sysctl_oid *tree;
	struct hvsim *sim;
	int error;

	sim = malloc(sizeof(*sim), M_HV_APPVSS_SIM, M_WAITOK | M_ZERO);
	mtx_init(&sim->request_mtx, "hv_appvss_sim request", NULL, MTX_DEF);
	mtx_init(&sim->mtx, "hv_appvss_sim", NULL, MTX_DEF);
	sysctl_ctx_init(&sim->sysctl_ctx);
	tree = SYSCTL_ADD_NODE(&sim->sysctl_ctx, SYSCTL_STATIC_CHILDREN(_dev),
	    OID_AUTO, HV_APPVSS_SIM_NAME, CTLFLAG_RD | CTLFLAG_MPSAFE, NULL,
	    "Hyper-V VSS with applications, simulated host");
	error = hv_appvss_core_attach(HV_APPVSS_SIM_NAME, tree, hvsim_send, sim,
	    &sim->core);
	if (error == 0)
		error = hvsim_make_node(sim);
	if (error != 0) {
		hvsim_destroy(sim);
		return (error);
	}
	*simp = sim;
	return (0);
}

/* The kernel calls it for one event at a time. */
static int
hvsim_event(module_t module __unused, int what, void *arg)
{
	struct hvsim **simp = arg;

	switch (what) {
	case MOD_LOAD:
		return (hvsim_create(simp));
	case MOD_UNLOAD:
		if (*simp != NULL)
			hvsim_destroy(*simp);
		*simp = NULL;
		return (0);
	case MOD_SHUTDOWN:
	case MOD_QUIESCE:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static struct hvsim *the_sim;

DEV_MODULE(hv_appvss_sim, hvsim_event, &the_sim);
MODULE_VERSION(hv_appvss_sim, 1);
