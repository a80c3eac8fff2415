/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All connections: made by the listener, heard by the participants, freed at
 * the end.
 */
#ifndef CLIENTSET_H
#define CLIENTSET_H

struct clientset;
struct config;
struct event_base;
struct participants;

/*
 * Takes listen_fd; participants is borrowed and gets every message.  NULL with
 * errno.
 */
struct clientset *clientset_create(struct event_base *base, int listen_fd,
    const struct config *config, struct participants *participants);
/* Disconnects everybody. */
void clientset_destroy(struct clientset *set);

/* No new connections. */
void clientset_stop(struct clientset *set);

#endif /* CLIENTSET_H */
