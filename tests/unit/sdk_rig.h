/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A broker that a test plays line by line, in the same process as the library:
 * every wait runs the library's handle and ends with an event, or fails the
 * test after RIG_LIMIT_MS.
 */
#ifndef SDK_RIG_H
#define SDK_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdk/appvss.h"

#define RIG_LIMIT_MS 20000

struct rig {
	char dir[64];
	char path[96];
	int listener;
	int conn;
	size_t in_length;
	char in[16384];
	struct appvss *handle;
	bool is_threaded; /* the library's thread runs the handle */
};

/* A participant that writes down what it is told and answers as it should. */
struct app {
	struct appvss_participant *participant;
	enum appvss_answer check_answer;
	enum appvss_answer freeze_answer;
	enum appvss_answer thaw_answer;
	const char *text; /* set with appvss_set_text() in callbacks */
	/* Called in each callback but status, after it was noted; or NULL. */
	void (*hook)(struct app *app, const struct appvss_request *request);
	struct appvss *handle; /* for hooks */
	int hook_result;
	uint64_t ticket; /* for hooks */
	char log[1024];
};

extern const struct appvss_callbacks app_callbacks;
/* Each test program's own: the HELLO line says who it is. */
extern const char *const rig_hello;

/* A socket in a directory of its own; the handle is opened afterwards. */
void rig_start(struct rig *rig);
void rig_open(struct rig *rig);
void rig_stop(struct rig *rig);
void rig_listen(struct rig *rig);
/* Closes the listening socket and removes it. */
void rig_hide(struct rig *rig);
/* Registers without a word to the broker yet. */
void rig_add(struct rig *rig, struct app *app, const char *name);
/* Waits for a connection. */
void rig_accept(struct rig *rig);
/* rig_accept(), HELLO and WELCOME. */
void rig_greet(struct rig *rig);
/* rig_start(), open, one participant "db" that is registered. */
void rig_begin(struct rig *rig, struct app *app);
/* Whether a whole line is there, at the beginning of in. */
bool rig_has_line(struct rig *rig);
/* Takes the next line away. */
void rig_skip(struct rig *rig);
void rig_expect(struct rig *rig, const char *line);
void rig_say(struct rig *rig, const char *line);
/* Runs the handle until it has read all and says nothing more. */
void rig_settle(struct rig *rig);
/* Closes the broker's end. */
void rig_drop(struct rig *rig);
int64_t rig_now_ms(void);
/* Runs the handle once, or waits a moment for its thread to say something. */
void rig_step(struct rig *rig);

/* Runs the handle until a condition holds. */
#define RIG_UNTIL(rig, condition)                                   \
	do {                                                        \
		int64_t limit_at_ms_ = rig_now_ms() + RIG_LIMIT_MS; \
                                                                    \
		while (!(condition)) {                              \
			ck_assert_msg(rig_now_ms() < limit_at_ms_,  \
			    "never: %s", #condition);               \
			rig_step(rig);                              \
		}                                                   \
	} while (0)

#endif /* SDK_RIG_H */
