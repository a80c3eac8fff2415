/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All connections: made by the listener, heard through verbs.h, freed at
 * the end.
 */
#ifndef CLIENTSET_H
#define CLIENTSET_H

struct clientset;
struct config;
struct event_base;
struct verbs;

/*
 * Takes listen_fd; verbs is borrowed and gets every message.  NULL with
 * errno.
 */
struct clientset *clientset_create(struct event_base *base, int listen_fd,
    const struct config *config, const struct verbs *verbs);
/* Disconnects everybody. */
void clientset_destroy(struct clientset *set);

/* The limits of another configuration; those who are there stay. */
void clientset_set_limits(struct clientset *set, const struct config *config);

/* No new connections. */
void clientset_stop(struct clientset *set);

#endif /* CLIENTSET_H */
