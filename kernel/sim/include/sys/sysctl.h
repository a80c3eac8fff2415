/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: sysctl nodes made at run time.
 */
#ifndef SIM_SYS_SYSCTL_H
#define SIM_SYS_SYSCTL_H

#include <sys/param.h>

struct sysctl_oid;
struct sysctl_oid_list;

struct sysctl_ctx_list {
	struct sysctl_oid *first;
};

struct sysctl_req {
	char *oldtext; /* the value as text */
	size_t oldsize;
	const int *newptr; /* only integers are written */
};

#define SIM_MAYBE __attribute__((__unused__))
#define SYSCTL_HANDLER_ARGS                                      \
	struct sysctl_oid *oidp SIM_MAYBE, void *arg1 SIM_MAYBE, \
	    intmax_t arg2 SIM_MAYBE, struct sysctl_req *req
#define OID_AUTO		     (-1)
#define CTLTYPE_INT		     2
#define CTLTYPE_STRING		     3
#define CTLTYPE_U64		     9
#define CTLFLAG_RD		     0x80000000u
#define CTLFLAG_RW		     0xc0000000u
#define CTLFLAG_MPSAFE		     0x00040000u
#define CTLFLAG_CAPRD		     0
#define SYSCTL_STATIC_CHILDREN(name) ((struct sysctl_oid_list *)NULL)
#define SYSCTL_CHILDREN(tree)	     ((struct sysctl_oid_list *)(void *)(tree))

typedef int sim_sysctl_handler(SYSCTL_HANDLER_ARGS);

int sysctl_ctx_init(struct sysctl_ctx_list *ctx);
/* Waits for handlers that run. */
int sysctl_ctx_free(struct sysctl_ctx_list *ctx);
void sim_sysctl_add(struct sysctl_ctx_list *ctx, struct sysctl_oid_list *parent,
    const char *name, unsigned int access, void *arg1, intmax_t arg2,
    sim_sysctl_handler *handler);
#define SYSCTL_ADD_PROC(ctx, parent, number, name, access, arg1, arg2,    \
    handler, format, description)                                         \
	sim_sysctl_add((ctx), (parent), (name), (access), (arg1), (arg2), \
	    (handler))

/* There is one tree without branches: nodes are not needed. */
#define SYSCTL_ADD_NODE(ctx, parent, number, name, access, handler, \
    description)                                                    \
	((void)(ctx), (void)(parent), (struct sysctl_oid *)NULL)

int sysctl_handle_int(struct sysctl_oid *oidp, void *arg1, intmax_t arg2,
    struct sysctl_req *req);
int sysctl_handle_64(struct sysctl_oid *oidp, void *arg1, intmax_t arg2,
    struct sysctl_req *req);
int sysctl_handle_string(struct sysctl_oid *oidp, void *arg1, intmax_t arg2,
    struct sysctl_req *req);

#endif /* SIM_SYS_SYSCTL_H */
