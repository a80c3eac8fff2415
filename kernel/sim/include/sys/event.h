/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: knotes and their lists.
 */
#ifndef SIM_SYS_EVENT_H
#define SIM_SYS_EVENT_H

#include <sys/param.h>

#define EVFILT_READ (-1)
#define EV_ONESHOT  0x0010
#define EV_EOF	    0x8000

struct mtx;
struct knote;

struct knlist {
	struct mtx *mtx;
	struct knote *first;
	bool abandoned; /* cleared while there were knotes */
};

struct filterops {
	int f_isfd;
	int (*f_attach)(struct knote *kn);
	void (*f_detach)(struct knote *kn);
	int (*f_event)(struct knote *kn, long hint);
};

struct knote {
	struct knlist *kn_knlist;
	struct filterops *kn_fop;
	void *kn_hook;
	int64_t kn_data;
	short kn_filter;
	unsigned short kn_flags;

	struct knote *next;
	bool active;
	unsigned int influx; /* somebody works on it: it stays on its list */
};

void knlist_init_mtx(struct knlist *list, struct mtx *mtx);
void knlist_destroy(struct knlist *list);
void knlist_add(struct knlist *list, struct knote *kn, int islocked);
void knlist_remove(struct knlist *list, struct knote *kn, int islocked);
void knlist_clear(struct knlist *list, int islocked);
void knote(struct knlist *list, long hint, int flags);
#define KNF_LISTLOCKED		 1
#define KNOTE_LOCKED(list, hint) knote((list), (hint), KNF_LISTLOCKED)

#endif /* SIM_SYS_EVENT_H */
