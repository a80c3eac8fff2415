/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: default mutexes, with their assertions always on.
 */
#ifndef SIM_SYS_MUTEX_H
#define SIM_SYS_MUTEX_H

#include <sys/param.h>

#include <pthread.h>

#define MTX_DEF	    0
#define MA_OWNED    1
#define MA_NOTOWNED 2

struct mtx {
	pthread_mutex_t lock;
	const void *owner; /* the thread's mark; atomic */
};

void mtx_init(struct mtx *mtx, const char *name, const char *type, int opts);
void mtx_destroy(struct mtx *mtx);
void mtx_lock(struct mtx *mtx);
void mtx_unlock(struct mtx *mtx);
void mtx_assert(struct mtx *mtx, int what);

#endif /* SIM_SYS_MUTEX_H */
