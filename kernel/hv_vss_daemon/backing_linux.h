/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies in a file of what, on Linux: loop devices, also below device-mapper
 * and partitions, by sysfs and the loop driver.
 */
#ifndef BACKING_LINUX_H
#define BACKING_LINUX_H

#include "system.h"

/*
 * Fills in table->backings from table->entries.  What cannot be found out is
 * marked as unknown.  0, or -1 with errno (no memory).
 */
int backing_find_all(struct system_table *table);

#endif /* BACKING_LINUX_H */
