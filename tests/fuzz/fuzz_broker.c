/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole broker, from bytes of clients to the answers that the host gets,
 * without a socket, a disk or a clock: broker_world.h is what it runs in, and
 * broker_peers.h those whom it speaks to.
 *
 * The input is a schedule.  Its first byte chooses the configuration; then each
 * step is a byte, with what happens in the low four bits, to whom in the next
 * three, and in the highest whether the broker has no turn before the next
 * step; some steps take bytes of their own.
 *
 * The oracles, beside the sanitizers and the broker's own assertions: every
 * line to a client is of the protocol; every request of the device is answered
 * once, before the driver's limit; a requestor gets one answer to each
 * question; nobody is frozen twice, and nobody who stays connected is left
 * frozen; at the end the broker is idle, ends when it is told to, and leaves
 * nothing open.
 */
#include <errno.h>
#include <string.h>

#include "appvssd/broker.h"
#include "appvssd/config.h"
#include "appvssd/histq.h"
#include "broker_peers.h"
#include "sdk/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DRIVER_MS 15000
/* Longer than everything that has a limit. */
#define AT_LAST_MS (600 * 1000)
#define STEPS_MAX  2000

enum step {
	STEP_CONNECT, /* uid */
	STEP_BYTES,   /* count, bytes */
	STEP_LINE,    /* number of the line, name */
	STEP_READY,
	STEP_FAIL,
	STEP_CLOSE,
	STEP_ROOM, /* bytes, in units of 16; 255: all */
	STEP_TIME, /* how much */
	STEP_HOST,
	STEP_DEVICE,
	STEP_HISTORY,
	STEP_PAUSE, /* how much, in units of 100 ms */
	STEP_PARENT,
	STEP_ANSWERS,	/* what the device does with answers */
	STEP_TOLD,	/* what the host was told at last */
	STEP_REGISTERED /* name */
};

static const char *const names[] = { "must", "expected", "a", "b", "c", "d" };
#define NNAMES (sizeof(names) / sizeof(names[0]))

static const char *const lines[] = {
	"HELLO version=1 program=\"fuzz \\xff\"\n",
	"REGISTER name=@ check=1\n",
	"REGISTER name=@ freeze_ms=1 thaw_ms=900000 required=1 order=0\n",
	"REGISTER name=@ freeze_ms=900000 program=\"\\n\\x1b\"\n",
	"UNREGISTER name=@\n",
	"READY name=@ id=# op=check\n",
	"READY name=@ id=# op=freeze text=\"\\x01 done\"\n",
	"READY name=@ id=# op=thaw text=thawed\n",
	"FAIL name=@ id=# op=freeze text=\"no\"\n",
	"FAIL name=@ id=# op=thaw\n",
	"PROGRESS name=@ id=# percent=50 remaining_ms=1 text=\"\\x1b\"\n",
	"STATUS\n",
	"FORGET name=@\n",
	"SUBSCRIBE\n",
	"CHECK\n",
	"FREEZE\n",
	"FREEZE hold_ms=1\n",
	"FREEZE detach=1 hold_ms=100000\n",
	"THAW\n",
	"THAW id=#\n",
	"QUIT\n",
	"HISTORY limit=100\n",
	"HISTORY id=0\n",
	"PROGRESS name=@ id=#\n",
	"RELOAD\n",
};
#define NLINES (sizeof(lines) / sizeof(lines[0]))

#define LIMITS                                                          \
	"device = \"device\"\nuser = \"65534\"\nhold_max_ms = 120000\n" \
	"max_clients = 7\nmax_clients_per_uid = 6\nmax_names = 6\n"     \
	"max_names_per_uid = 5\nhistory_queue_rows = 64\n"
#define MUST \
	"participant \"must\" { user = \"0\"\nrequired = true\norder = 10 }\n"
#define ACCESS                                                        \
	"access \"some\" { user = {\"1001\"}\nroles = {\"observe\", " \
	"\"participate\", \"request\"} }\n"
static const char *const configs[] = {
	LIMITS,
	LIMITS MUST ACCESS,
	LIMITS MUST "participant \"expected\" { user = \"0\"\n"
		    "expect = true\nfreeze_ms = 2000 }\n",
	LIMITS ACCESS "freeze_ms = 3000\nthaw_ms = 1000\nhold_ms = 2000\n",
};
#define NCONFIGS (sizeof(configs) / sizeof(configs[0]))

static struct {
	const uint8_t *data;
	size_t size;
	uint64_t msgid;
	unsigned finished; /* so often has the broker said so */
	uint32_t serial;   /* of the last configuration */
	uint32_t wanted;   /* the last reload that was asked for */
	bool wants_device; /* the parent opens one when it is asked */
} fuzz;

static uint8_t
take_byte(void)
{
	if (fuzz.size == 0)
		return (0);
	fuzz.size--;
	return (*fuzz.data++);
}

/* --- what the broker does ------------------------------------------------ */

static void
on_sent(int fd, const char *bytes, size_t length)
{
	struct peer *peer = peer_of(fd);

	if (peer != NULL)
		peer_sent(peer, bytes, length);
	else if (fd == history_fd())
		history_sent(bytes, length);
}

static void
on_closed(int fd)
{
	struct peer *peer = peer_of(fd);

	if (peer != NULL)
		peer->fd = -1;
	else if (fd == history_fd())
		history_closed();
}

static void
on_reported(const struct privsep_msg *msg)
{
	if (msg->type == PRIVSEP_FINISHED)
		fuzz.finished++;
	else if (msg->type == PRIVSEP_WANT_DEVICE)
		fuzz.wants_device = true;
	else if (msg->type == PRIVSEP_WANT_CONFIG)
		fuzz.wanted = msg->serial;
}

static const struct world_callbacks callbacks = {
	.sent = on_sent,
	.closed = on_closed,
	.taken = host_taken,
	.answered = host_answered,
	.device_closed = host_forget,
	.reported = on_reported,
};

/* --- steps --------------------------------------------------------------- */

static void
step_device(unsigned what)
{
	const struct privsep_msg msg = { .type = PRIVSEP_DEVICE, .nfds = 1 };
	int fds[1];

	if ((what & 1) != 0) {
		world_device_dies();
		return;
	}
	fds[0] = fuzz.wants_device ? world_stream() : -1;
	if (fds[0] == -1)
		return;
	fuzz.wants_device = false;
	world_order(&msg, fds);
}

/* What the history process says unasked. */
static void
history_says(const char *text)
{
	if (history_fd() != -1)
		(void)world_put(history_fd(), text, strlen(text));
}

static void
step_history(unsigned what)
{
	switch (what) {
	case 0:
		history_confirm();
		break;
	case 1:
		history_says("READY last_id=7\n");
		break;
	case 2:
		history_says("READY last_id=9 set_aside=\"broken \\x1b\"\n");
		break;
	case 3:
		history_die();
		break;
	case 4:
		history_attach();
		break;
	case 5:
		history_says("KNOWN name=b program=p uid=1\n"
			     "READY last_id=41\n");
		break;
	case 6:
		if (history_fd() != -1)
			world_set_room(history_fd(), take_byte());
		break;
	default:
		if (history_fd() != -1)
			(void)world_put(history_fd(), fuzz.data,
			    fuzz.size < 8 ? fuzz.size : 8);
		break;
	}
}

static void
step_bytes(struct peer *peer)
{
	size_t length = take_byte();

	if (length > fuzz.size)
		length = fuzz.size;
	peer_say_bytes(peer, fuzz.data, length);
	fuzz.data += length;
	fuzz.size -= length;
}

static void
step_answer(struct peer *peer, bool good)
{
	static const char *const answers[2][3] = {
		{ "FAIL name=@ id=# op=check text=no\n",
		    "FAIL name=@ id=# op=freeze text=no\n",
		    "FAIL name=@ id=# op=thaw\n" },
		{ "READY name=@ id=# op=check\n",
		    "READY name=@ id=# op=freeze\n",
		    "READY name=@ id=# op=thaw\n" },
	};

	peer_say(peer,
	    answers[good][peer->verb == PB_THAW ? 2 :
		    peer->verb == PB_FREEZE	? 1 :
						  0],
	    peer->name);
}

static void
step_room(struct peer *peer)
{
	size_t room = take_byte();

	if (peer->fd == -1)
		return;
	world_set_room(peer->fd, room == 255 ? SIZE_MAX : room * 16);
}

static void
step_time(unsigned unit)
{
	static const uint64_t units_ms[] = { 1, 10, 50, 100, 250, 500, 1000,
		1000 };

	loop_advance(take_byte() * units_ms[unit]);
}

static void
order_text(enum privsep_type type, const char *text)
{
	const struct privsep_msg msg = { .type = type,
		.nfds = 1,
		.serial = ++fuzz.serial,
		.again = fuzz.wanted };
	int fd = world_text(text);

	if (fd != -1)
		world_order(&msg, &fd);
}

static void
step_parent(unsigned what)
{
	switch (what) {
	case 0:
		world_order_plain(PRIVSEP_SHUTDOWN);
		break;
	case 1:
		world_parent_dies();
		break;
	case 2:
		world_order_plain(PRIVSEP_NO_DEVICE);
		break;
	case 3:
		order_text(PRIVSEP_BAD_CONFIG, "line 1: \x1b");
		break;
	default:
		order_text(PRIVSEP_CONFIG, configs[take_byte() % NCONFIGS]);
		break;
	}
}

static void
step_register(struct peer *peer, unsigned name)
{
	peer_connect(peer, 0);
	peer_say(peer, lines[0], "");
	peer_say(peer, lines[1], names[name % NNAMES]);
}

static void
step(enum step what, unsigned who)
{
	static const uid_t uids[] = { 0, 0, 1001, 1002 };
	static const int errors[] = { 0, ETIMEDOUT, ENXIO, EINVAL };
	struct peer *peer = &peers[who];
	unsigned number;

	switch (what) {
	case STEP_CONNECT:
		peer_connect(peer, uids[take_byte() % 4]);
		break;
	case STEP_BYTES:
		step_bytes(peer);
		break;
	case STEP_LINE:
		number = take_byte() % NLINES;
		peer_say(peer, lines[number], names[take_byte() % NNAMES]);
		break;
	case STEP_READY:
	case STEP_FAIL:
		step_answer(peer, what == STEP_READY);
		break;
	case STEP_CLOSE:
		peer_close(peer);
		break;
	case STEP_ROOM:
		step_room(peer);
		break;
	case STEP_TIME:
		step_time(who);
		break;
	case STEP_HOST:
		(void)world_request(who < 7 ? 1 + who % 3 : 9, ++fuzz.msgid);
		break;
	case STEP_DEVICE:
		step_device(who);
		break;
	case STEP_HISTORY:
		step_history(who);
		break;
	case STEP_PAUSE:
		loop_pause(take_byte() * UINT64_C(100));
		host_paused();
		break;
	case STEP_PARENT:
		step_parent(who);
		break;
	case STEP_ANSWERS:
		world_set_device(errors[who % 4], VSS_TOLD_NOTHING);
		break;
	case STEP_TOLD:
		world_set_device(0, who % 6);
		break;
	case STEP_REGISTERED:
		step_register(peer, take_byte());
		break;
	}
}

/* --- the end ------------------------------------------------------------- */

/* Everybody reads and writes again, and the limits of all pass. */
static void
let_it_end(void)
{
	size_t i;

	for (i = 0; i < PEERS; i++) {
		if (peers[i].fd != -1)
			world_set_room(peers[i].fd, SIZE_MAX);
	}
	world_set_device(0, VSS_TOLD_NOTHING);
	if (history_fd() == -1)
		history_attach();
	if (history_fd() != -1)
		world_set_room(history_fd(), SIZE_MAX);
	history_set_prompt(true);
	loop_advance(AT_LAST_MS);
	host_check_rest();
	peers_check_rest();
}

/* Nobody is there, so it is idle, and says so. */
static void
check_idle(void)
{
	struct peer *watcher = &peers[PEER_WATCHER];
	size_t i;

	for (i = 0; i < PEERS; i++)
		peer_close(&peers[i]);
	loop_advance(AT_LAST_MS);
	peer_connect(watcher, 0);
	if (watcher->fd == -1)
		return;
	peer_say(watcher, lines[0], "");
	peer_say(watcher, "STATUS\n", "");
	loop_settle();
	world_require(strcmp(watcher->state, "idle") == 0,
	    "not idle without anybody");
}

void
fuzz_drive(void)
{
	unsigned steps;
	uint8_t byte;

	for (steps = 0; steps < STEPS_MAX && fuzz.size > 0 && !loop_is_over();
	     steps++) {
		byte = take_byte();
		step((enum step)(byte & 15), byte >> 4 & 7);
		if ((byte & 0x80) == 0)
			loop_settle();
	}
	loop_settle();
	if (!loop_is_over())
		let_it_end();
	if (!loop_is_over())
		check_idle();
	if (loop_is_over())
		return;
	world_order_plain(PRIVSEP_SHUTDOWN);
	loop_advance(AT_LAST_MS);
	world_require(loop_is_over(), "it does not end");
}

static void
complain(void *arg, const char *text)
{
	(void)arg;
	world_require(false, text);
}

static void
read_config(struct config *config, const char *text)
{
	const struct config_complaints complaints = { complain, NULL };

	world_require(config_parse(config, text, strlen(text), NULL,
			  &complaints) == 0,
	    "a configuration that is wrong");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct histq_run run = { 1, 1, "boot", "", "0" };
	struct config config;
	struct broker_params params = { .config = &config, .run = &run };

	fuzz.data = data;
	fuzz.size = size;
	fuzz.msgid = 0;
	fuzz.finished = 0;
	fuzz.wants_device = true;
	fuzz.serial = fuzz.wanted = 0;
	loop_reset();
	world_reset(&callbacks);
	peers_reset();
	host_reset(DRIVER_MS);
	history_reset();
	read_config(&config, configs[take_byte() % NCONFIGS]);
	params.listen_fd = world_listener();
	params.parent_fd = world_parent();
	world_require(broker_run(&params) == 0, "the broker fails");
	config_fini(&config);
	world_require(fuzz.finished <= 1, "it finishes twice");
	world_require(loop_events() == 0, "events are left");
	world_require(world_open() == 0, "descriptors are left open");
	return (0);
}
