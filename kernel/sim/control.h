/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host's way to the driver through the control node of hv_appvss_sim(4), in
 * the simulated kernel or in a real one.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "host.h"

struct sim_control;

/*
 * Opens the node: of the simulated kernel, or path.  A wait ends when stop_fd
 * (borrowed) is readable.  0 and an owned control, or an errno value.
 */
int sim_control_open_simulated(int stop_fd, struct sim_control **controlp);
int sim_control_open_kernel(const char *path, int stop_fd,
    struct sim_control **controlp);

/* For sim_host_create_link; of no use after the close. */
struct sim_link sim_control_link(struct sim_control *control);

void sim_control_close(struct sim_control *control);

#endif /* CONTROL_H */
