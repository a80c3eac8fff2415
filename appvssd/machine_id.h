/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which boot of which copy of the machine this is.  Used by the parent of
 * appvssd and by appvssctl.
 */
#ifndef MACHINE_ID_H
#define MACHINE_ID_H

#include <stddef.h>

#define MACHINE_ID_SIZE 64 /* bytes that hold either id, with the NUL */

/* Another after every boot: lower-case text, "" if the kernel has none. */
void machine_id_boot(char *out, size_t size);

/*
 * The virtual machine's generation id: another once the machine was restored
 * from a snapshot or copied.  "" where the hypervisor or the kernel does not
 * show it.
 */
void machine_id_generation(char *out, size_t size);

#endif /* MACHINE_ID_H */
