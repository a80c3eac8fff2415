/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: typed allocation, counted (see sim_malloc_count).
 */
#ifndef SIM_SYS_MALLOC_H
#define SIM_SYS_MALLOC_H

#include <sys/param.h>

#include <stdlib.h>

struct malloc_type {
	const char *name;
};

#define M_WAITOK	     0x0002
#define M_ZERO		     0x0100

#define MALLOC_DECLARE(type) extern struct malloc_type type[1]
#define MALLOC_DEFINE(type, name, description) \
	struct malloc_type type[1] = { { name } }
MALLOC_DECLARE(M_DEVBUF);

void *sim_malloc(size_t size, struct malloc_type *type, int flags);
void sim_free(void *p, struct malloc_type *type);
#define malloc(size, type, flags) sim_malloc((size), (type), (flags))
#define free(p, type)		  sim_free((p), (type))

#endif /* SIM_SYS_MALLOC_H */
