/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of other processes to the devices of the simulated kernel: one UNIX
 * socket for each device, with the messages of kernel/vssdev/vssdev.h.  A
 * connection is an open file: its end, by whatever death, closes the file.
 * Each connection has threads of its own, so that no client can stall another.
 */
#ifndef SERVER_H
#define SERVER_H

#define SIM_CLIENTS_MAX 16 /* of one device; more are turned away */

struct sim_server;

/*
 * Listens on path for the device of that name.  A socket that nobody listens
 * on is replaced.  0 and an owned server, or an errno value: EADDRINUSE if
 * another simulator is there, EEXIST if path is something else.
 */
int sim_server_start(const char *path, const char *device,
    struct sim_server **serverp);

/* Ends all connections and removes the socket.  Frees. */
void sim_server_stop(struct sim_server *server);

#endif /* SERVER_H */
