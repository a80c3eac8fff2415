/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Explores the request queue exhaustively, breadth first: every order of host
 * requests, reads, answers (right, wrong, late), time-outs, opens and closes of
 * both devices, and a detach after each.  Checks the rules of the queue's
 * header against a ghost that knows only what the parties saw.  On a violation
 * it prints the shortest way to it.
 *
 * States are compared after renumbering their msgids; of the remembered
 * operations only the last few count: a late answer changes nothing but its own
 * mark, which is checked at every state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_appvss/hv_appvss_queue.h"

#define APP	    HV_APPVSS_DEV_APP
#define FS	    HV_APPVSS_DEV_FS
#define NODES_MAX   2000000u
#define BUCKETS	    (1u << 21)
#define NEXT_MSGID  100u
#define REMEMBERED  3u
#define KEY_MAX	    64
#define DRAIN_STEPS 40

/* What the parties saw. */
struct ghost {
	bool pending;	 /* the host waits for a reply to a saved request */
	bool timer;	 /* armed */
	bool told[2];	 /* read FREEZE, and since then no THAW, no own FAIL */
	bool release;	 /* app answered the current FREEZE with success */
	bool app_wanted; /* app has been open since the current FREEZE came */
	bool fs_frozen;	 /* fs answered the current FREEZE with success */
	bool fs_thawed;	 /* fs answered the current THAW with success */
	bool good; /* FREEZE was answered to the host with success: it holds */
	bool spoilt; /* and ended before the host's THAW */
};

struct node {
	struct hv_appvss_queue q;
	struct ghost g;
	uint32_t parent;
	uint32_t next; /* in the bucket */
	uint8_t move;
	uint8_t key_length;
	uint8_t key[KEY_MAX];
};

enum move {
	HOST_CHECK,
	HOST_FREEZE,
	HOST_THAW,
	HOST_FREEZE_REQUIRED, /* with app_required set */
	HOST_THAW_REQUIRED,
	READ_APP,
	READ_FS,
	OK_APP,
	OK_FS,
	FAIL_APP,
	FAIL_FS,
	TIMEOUT,
	OPEN_APP,
	OPEN_FS,
	CLOSE_APP,
	CLOSE_FS,
	CLOSE_APP_REQUIRED,
	MOVES
};

static const char *const move_names[MOVES] = { "host CHECK", "host FREEZE",
	"host THAW", "host FREEZE (app_required)", "host THAW (app_required)",
	"app reads", "fs reads", "app says ok", "fs says ok", "app says FAIL",
	"fs says FAIL", "timeout", "app opens", "fs opens", "app closes",
	"fs closes", "app closes (app_required)" };

static struct node *nodes;
static uint32_t count;
static uint32_t *buckets;
static size_t most_actions;

static void
print_path(uint32_t index)
{
	if (index == 0)
		return;
	print_path(nodes[index].parent);
	printf("    %s\n", move_names[nodes[index].move]);
}

static void
violation(uint32_t at, const char *after, const char *rule)
{
	printf("violated: %s\nafter:\n", rule);
	print_path(at);
	printf("    %s\n", after);
	exit(1);
}

struct context {
	struct node *n;
	uint32_t at;
	const char *name;
};

#define RULE(c, condition, text)                               \
	do {                                                   \
		if (!(condition))                              \
			violation((c)->at, (c)->name, (text)); \
	} while (0)

static void
saw_host_thawed(struct ghost *g)
{
	g->good = g->spoilt = false;
}

static void
check_reply(struct context *c, enum hv_vss_op_t op, bool success)
{
	struct ghost *g = &c->n->g;

	RULE(c, g->pending, "one reply for each request");
	g->pending = false;
	if (op == HV_VSS_FREEZE && success) {
		RULE(c, g->fs_frozen, "FREEZE succeeds only if fs froze");
		RULE(c, !g->app_wanted || !c->n->q.peer[APP].open || g->release,
		    "FREEZE succeeds only if the app released");
		g->good = true;
		g->spoilt = false;
	}
	if (op == HV_VSS_THAW) {
		RULE(c, !success || !(g->good && g->spoilt),
		    "THAW fails if the freeze was lost");
		RULE(c, !success || g->fs_thawed,
		    "THAW succeeds only if fs said so");
		saw_host_thawed(g);
	}
}

/* Applies actions to the ghost; op is that of the saved request before. */
static void
check_actions(struct context *c, const struct hv_appvss_actions *a,
    enum hv_vss_op_t op, bool is_host, const bool waited[2])
{
	struct ghost *g = &c->n->g;
	bool woken[2] = { false, false };
	unsigned answers = 0;
	size_t i;

	for (i = 0; i < a->count; i++) {
		switch (a->list[i].type) {
		case HV_APPVSS_ACT_REPLY_NEW:
			RULE(c, !a->list[i].success, "refusals are FAIL");
			answers++;
			break;
		case HV_APPVSS_ACT_REPLY_SAVED:
			check_reply(c, op, a->list[i].success);
			break;
		case HV_APPVSS_ACT_SAVE:
			RULE(c, !g->pending, "one saved request at a time");
			g->pending = true;
			op = c->n->q.op;
			answers++;
			break;
		case HV_APPVSS_ACT_TIMER_START:
			g->timer = true;
			break;
		case HV_APPVSS_ACT_TIMER_STOP:
			g->timer = false;
			break;
		case HV_APPVSS_ACT_WAKE:
			woken[a->list[i].dev] = true;
			break;
		case HV_APPVSS_ACT_DONE:
			RULE(c, a->list[i].result.told != VSS_TOLD_PENDING,
			    "what is done has a result");
			break;
		}
	}
	RULE(c, answers == (is_host ? 1 : 0), "each request is taken once");
	RULE(c, a->count < HV_APPVSS_ACTIONS_MAX, "the action list is enough");
	if (a->count > most_actions)
		most_actions = a->count;
	for (i = 0; i < 2; i++)
		RULE(c,
		    waited[i] == hv_appvss_queue_waits(&c->n->q, i) || woken[i],
		    "a change of what waits wakes");
}

static void
check_state(struct context *c)
{
	const struct hv_appvss_queue *q = &c->n->q;
	const struct ghost *g = &c->n->g;
	bool busy = q->busy && !q->detached;

	RULE(c, g->pending == (busy && !q->own), "a pending request is known");
	RULE(c, g->timer == busy, "the timer runs exactly while busy");
	if (!busy) {
		RULE(c, q->detached || !g->told[APP] || g->told[FS],
		    "idle: an app is held only while fs are");
		RULE(c, q->detached || !g->told[FS] || g->good,
		    "idle: fs are frozen only if the host was told so");
	}
}

static void
do_read(struct context *c, enum hv_appvss_dev_id dev)
{
	struct ghost *g = &c->n->g;
	enum hv_vss_op_t op;
	uint64_t msgid;

	if (!hv_appvss_queue_read(&c->n->q, dev, &op, &msgid))
		violation(c->at, c->name, "what waits can be read");
	RULE(c, msgid == c->n->q.msgid, "the msgid is the operation's");
	if (op == HV_VSS_FREEZE) {
		RULE(c, !g->told[FS], "never FREEZE onto a freeze");
		if (dev == FS)
			RULE(c,
			    !g->app_wanted || !c->n->q.peer[APP].open ||
				g->release,
			    "fs freeze only after the app's release");
		g->told[dev] = true;
	} else if (op == HV_VSS_THAW) {
		g->told[dev] = false;
		if (dev == FS && c->n->q.own && g->good)
			g->spoilt = true;
	}
}

/* dev answers what it read last, which may be too late by now. */
static void
do_answer(struct context *c, enum hv_appvss_dev_id dev, bool success)
{
	struct hv_appvss_queue *q = &c->n->q;
	struct hv_appvss_actions a;
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_ANSWER,
		.dev = dev,
		.op = q->op,
		.success = success,
		.msgid = q->msgid };
	struct ghost *g = &c->n->g;
	bool waited[2] = { hv_appvss_queue_waits(q, APP),
		hv_appvss_queue_waits(q, FS) };
	bool app_held = g->told[APP];

	if (q->op == HV_VSS_FREEZE) {
		if (!success)
			g->told[dev] = false;
		else if (dev == APP)
			g->release = true;
		else
			g->fs_frozen = true;
	} else if (q->op == HV_VSS_THAW && dev == FS) {
		g->fs_thawed = success;
	}
	RULE(c, hv_appvss_queue_step(q, &event, &a) == HV_APPVSS_TAKEN,
	    "the right answer is taken");
	check_actions(c, &a, event.op, false, waited);
	if (event.op == HV_VSS_FREEZE && dev == FS && !success && app_held)
		RULE(c, hv_appvss_queue_waits(q, APP),
		    "an app hears at once that fs failed");
}

/* Wrong and late answers change nothing that anybody can see. */
static void
check_foreign_answers(struct context *c)
{
	struct hv_appvss_actions a;
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_ANSWER };
	const struct hv_appvss_result *result;
	struct node copy;
	unsigned dev, op, current;
	enum hv_appvss_verdict verdict;
	uint64_t msgid;

	for (msgid = NEXT_MSGID - 6; msgid < NEXT_MSGID + 3; msgid++)
		for (dev = 0; dev < 2; dev++)
			for (op = HV_VSS_NONE; op <= HV_VSS_COUNT; op++) {
				copy = *c->n;
				result = hv_appvss_queue_result(&copy.q, msgid);
				current = copy.q.busy &&
				    msgid == copy.q.msgid &&
				    dev == copy.q.stage && copy.q.read;
				if (current && op == copy.q.op)
					continue;
				event.dev = dev;
				event.op = op;
				event.msgid = msgid;
				event.success = true;
				verdict = hv_appvss_queue_step(&copy.q, &event,
				    &a);
				RULE(c,
				    verdict != HV_APPVSS_TAKEN && a.count == 0,
				    "a foreign answer does nothing");
				if (result != NULL && result->read[dev] &&
				    op == result->op && !current)
					RULE(c,
					    verdict == HV_APPVSS_UNKNOWN ||
						verdict == HV_APPVSS_LATE,
					    "a late answer is called late");
			}
}

static void
do_event(struct context *c, struct hv_appvss_event event)
{
	struct hv_appvss_queue *q = &c->n->q;
	struct ghost *g = &c->n->g, before = *g;
	struct hv_appvss_actions a;
	enum hv_vss_op_t op = q->op;
	bool waited[2] = { hv_appvss_queue_waits(q, APP),
		hv_appvss_queue_waits(q, FS) };

	if (event.type == HV_APPVSS_EV_CLOSE) {
		g->told[event.dev] = false;
		if (event.dev == APP)
			g->app_wanted = false;
		if (g->good && (event.dev == FS || event.app_required) &&
		    before.told[event.dev] && before.told[FS])
			g->spoilt = true;
	}
	if (event.type == HV_APPVSS_EV_HOST && !q->busy)
		g->fs_thawed = false;
	RULE(c, hv_appvss_queue_step(q, &event, &a) == HV_APPVSS_TAKEN,
	    "an event is taken");
	if (event.type == HV_APPVSS_EV_HOST && event.op == HV_VSS_FREEZE &&
	    q->busy && !q->own && q->op == HV_VSS_FREEZE && !before.pending) {
		g->release = g->fs_frozen = g->good = g->spoilt = false;
		g->app_wanted = q->peer[APP].open;
	}
	check_actions(c, &a, op, event.type == HV_APPVSS_EV_HOST, waited);
	if (event.type == HV_APPVSS_EV_TIMEOUT)
		RULE(c, !g->pending, "the limit ends every request");
	if (!q->detached && before.pending && !g->pending &&
	    op == HV_VSS_FREEZE && g->told[APP])
		RULE(c, hv_appvss_queue_waits(q, APP),
		    "an app that may be frozen is thawed at once");
}

static bool
possible(const struct node *n, enum move move)
{
	const struct hv_appvss_queue *q = &n->q;

	switch (move) {
	case HOST_CHECK:
	case HOST_FREEZE:
	case HOST_THAW:
	case HOST_FREEZE_REQUIRED:
	case HOST_THAW_REQUIRED:
		return (true);
	case READ_APP:
		return (q->peer[APP].open && hv_appvss_queue_waits(q, APP));
	case READ_FS:
		return (q->peer[FS].open && hv_appvss_queue_waits(q, FS));
	case OK_APP:
	case FAIL_APP:
		return (q->busy && q->stage == APP && q->read);
	case OK_FS:
	case FAIL_FS:
		return (q->busy && q->stage == FS && q->read);
	case TIMEOUT:
		return (n->g.timer);
	case OPEN_APP:
		return (!q->peer[APP].open);
	case OPEN_FS:
		return (!q->peer[FS].open);
	case CLOSE_APP:
	case CLOSE_APP_REQUIRED:
		return (q->peer[APP].open);
	case CLOSE_FS:
		return (q->peer[FS].open);
	case MOVES:
		break;
	}
	return (false);
}

static void
make_move(struct context *c, enum move move)
{
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_HOST };

	switch (move) {
	case HOST_CHECK:
		event.op = HV_VSS_CHECK;
		break;
	case HOST_FREEZE:
	case HOST_FREEZE_REQUIRED:
		event.op = HV_VSS_FREEZE;
		event.app_required = move == HOST_FREEZE_REQUIRED;
		break;
	case HOST_THAW:
	case HOST_THAW_REQUIRED:
		event.op = HV_VSS_THAW;
		event.app_required = move == HOST_THAW_REQUIRED;
		break;
	case READ_APP:
	case READ_FS:
		do_read(c, move == READ_APP ? APP : FS);
		check_state(c);
		return;
	case OK_APP:
	case FAIL_APP:
		do_answer(c, APP, move == OK_APP);
		check_state(c);
		return;
	case OK_FS:
	case FAIL_FS:
		do_answer(c, FS, move == OK_FS);
		check_state(c);
		return;
	case TIMEOUT:
		event.type = HV_APPVSS_EV_TIMEOUT;
		break;
	case OPEN_APP:
	case OPEN_FS:
		event.type = HV_APPVSS_EV_OPEN;
		event.dev = move == OPEN_APP ? APP : FS;
		break;
	case CLOSE_APP:
	case CLOSE_FS:
	case CLOSE_APP_REQUIRED:
		event.type = HV_APPVSS_EV_CLOSE;
		event.dev = move == CLOSE_FS ? FS : APP;
		event.app_required = move == CLOSE_APP_REQUIRED;
		break;
	case MOVES:
		break;
	}
	do_event(c, event);
	check_state(c);
}

/* Both openers serve whatever comes, with success, until all is quiet. */
static void
drain(struct context *c)
{
	unsigned i;

	for (i = 0; i < DRAIN_STEPS && c->n->q.busy; i++) {
		if (possible(c->n, READ_APP))
			make_move(c, READ_APP);
		else if (possible(c->n, READ_FS))
			make_move(c, READ_FS);
		else if (possible(c->n, OK_APP))
			make_move(c, OK_APP);
		else if (possible(c->n, OK_FS))
			make_move(c, OK_FS);
		else
			violation(c->at, c->name, "somebody can go on");
	}
	RULE(c, !c->n->q.busy, "it comes to rest");
}

/* From every state: left alone it comes to rest, thawed it is thawed. */
static void
check_future(struct context *c)
{
	struct node copy = *c->n;
	struct context future = { &copy, c->at, c->name };
	struct hv_appvss_event detach = { .type = HV_APPVSS_EV_DETACH };

	do_event(&future, detach);
	check_state(&future);
	RULE(c, !copy.g.pending, "detach answers");

	copy = *c->n;
	drain(&future);
	make_move(&future, HOST_THAW);
	drain(&future);
	RULE(c, !copy.g.told[APP] && !copy.g.told[FS],
	    "after a THAW nobody is frozen");
	RULE(c, !copy.g.pending, "and the host has its answer");
}

/* Renumbers msgids and forgets what cannot matter any more. */
static void
normalize(struct hv_appvss_queue *q)
{
	struct hv_appvss_result old[HV_APPVSS_RESULTS_MAX];
	struct hv_appvss_result *slot;
	uint64_t delta = NEXT_MSGID - q->next_msgid;
	unsigned i;

	memcpy(old, q->results, sizeof(old));
	memset(q->results, 0, sizeof(q->results));
	for (i = 0; i < HV_APPVSS_RESULTS_MAX; i++) {
		if (old[i].msgid == 0 ||
		    old[i].msgid + REMEMBERED < q->next_msgid)
			continue;
		slot =
		    &q->results[(old[i].msgid + delta) % HV_APPVSS_RESULTS_MAX];
		*slot = old[i];
		slot->msgid += delta;
		slot->started_us = slot->elapsed_us = 0;
		if (!q->busy || old[i].msgid != q->msgid)
			slot->told = VSS_TOLD_FAIL;
	}
	q->msgid = q->busy ? q->msgid + delta : 0;
	q->next_msgid = NEXT_MSGID;
	if (!q->busy) {
		q->own = q->failed = q->read = false;
		q->op = HV_VSS_NONE;
		q->stage = APP;
		q->peer[APP].todo = q->peer[FS].todo = false;
	}
}

static void
make_key(struct node *n)
{
	const struct hv_appvss_queue *q = &n->q;
	const struct hv_appvss_result *r;
	uint8_t *p = n->key;
	unsigned i, msgid;

	memset(n->key, 0, sizeof(n->key));
	*p++ = (uint8_t)(q->busy | q->own << 1 | q->failed << 2 | q->read << 3 |
	    q->lost << 4);
	*p++ = (uint8_t)q->op;
	*p++ = (uint8_t)q->stage;
	*p++ = (uint8_t)(q->busy ? NEXT_MSGID - q->msgid : 0);
	for (i = 0; i < 2; i++)
		*p++ = (uint8_t)(q->peer[i].open | q->peer[i].todo << 1 |
		    q->peer[i].held << 2);
	for (msgid = NEXT_MSGID - REMEMBERED; msgid < NEXT_MSGID; msgid++) {
		r = &q->results[msgid % HV_APPVSS_RESULTS_MAX];
		*p++ = (uint8_t)r->op;
		*p++ = (uint8_t)r->told;
		*p++ = (uint8_t)((r->read[0] && !r->answered[0]) |
		    (r->read[1] && !r->answered[1]) << 1 | r->own << 2);
	}
	*p++ = (uint8_t)(n->g.pending | n->g.timer << 1 | n->g.told[0] << 2 |
	    n->g.told[1] << 3 | n->g.release << 4 | n->g.app_wanted << 5 |
	    n->g.fs_frozen << 6 | n->g.good << 7);
	*p++ = (uint8_t)(n->g.spoilt | n->g.fs_thawed << 1);
	n->key_length = (uint8_t)(p - n->key);
}

static void
add(const struct node *n)
{
	uint32_t hash = 2166136261u, i;

	for (i = 0; i < n->key_length; i++)
		hash = (hash ^ n->key[i]) * 16777619u;
	hash &= BUCKETS - 1;
	for (i = buckets[hash]; i != 0; i = nodes[i - 1].next)
		if (memcmp(nodes[i - 1].key, n->key, KEY_MAX) == 0)
			return;
	if (count == NODES_MAX) {
		printf("more than %u states\n", NODES_MAX);
		exit(1);
	}
	nodes[count] = *n;
	nodes[count].next = buckets[hash];
	buckets[hash] = ++count;
}

int
main(void)
{
	struct node n;
	struct context c;
	uint32_t at;
	unsigned move;

	nodes = malloc(sizeof(*nodes) * NODES_MAX);
	buckets = calloc(BUCKETS, sizeof(*buckets));
	if (nodes == NULL || buckets == NULL)
		return (1);
	memset(&n, 0, sizeof(n));
	hv_appvss_queue_init(&n.q);
	normalize(&n.q);
	make_key(&n);
	add(&n);
	for (at = 0; at < count; at++)
		for (move = 0; move < MOVES; move++) {
			n = nodes[at];
			if (!possible(&n, move))
				continue;
			c = (struct context) { &n, at, move_names[move] };
			make_move(&c, move);
			check_future(&c);
			normalize(&n.q);
			check_foreign_answers(&c);
			n.parent = at;
			n.move = (uint8_t)move;
			make_key(&n);
			add(&n);
		}
	printf("%u states, at most %zu actions in a step\n", count,
	    most_actions);
	return (0);
}
