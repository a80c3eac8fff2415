/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of the control socket: hv_vss_daemon --status, --mounts and
 * --drill ask the daemon that runs.
 */
#ifndef ASK_H
#define ASK_H

/* All print what they learn, and return a code of sysexits(3). */
int ask_status(const char *runtime_dir);
int ask_mounts(const char *runtime_dir);

/*
 * Has everything frozen for drill_ms.  Prints nothing before it is thawed: the
 * output may be on what is frozen.
 */
int ask_drill(const char *runtime_dir, unsigned drill_ms);

#endif /* ASK_H */
