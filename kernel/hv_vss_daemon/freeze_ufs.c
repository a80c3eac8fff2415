/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Freezing on FreeBSD: UFSSUSPEND on /dev/ufssuspend, one descriptor for each
 * file system, because a descriptor holds one; closing it resumes.  What is
 * synced instead is a ZFS pool, or a small tree of files.  See system.h; the
 * mount table is table_freebsd.c.
 *
 * The kernel refuses a caller with more than one thread, or with a descriptor
 * open for writing on what it suspends (EDEADLK), and in a jail (EPERM); a gap
 * among its descriptors may panic the kernel (fdgaps.h).  A
 * suspend that hangs also blocks every resume, so what lies on what is found
 * out before the first.
 */
#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysctl.h>
#include <sys/user.h>

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <stdio.h>
#include <string.h>
#include <ufs/ffs/fs.h>
#include <unistd.h>

#include "fdgaps.h"
#include "sync_tree.h"
#include "system.h"
#include "zfs_pools.h"

#define UFS "ufs"
#define ZFS "zfs"

enum mount_system
system_kind(void)
{
	return (MOUNT_FREEBSD);
}

bool
system_thaws_by_itself(void)
{
	return (true);
}

static fsid_t
fsid_of(uint64_t fs)
{
	fsid_t fsid;

	memset(&fsid, 0, sizeof(fsid));
	fsid.val[0] = (int32_t)(uint32_t)(fs >> 32);
	fsid.val[1] = (int32_t)(uint32_t)fs;
	return (fsid);
}

int
system_target_open(const struct system_table *table, unsigned entry,
    struct freeze_target *target, struct why *why)
{
	const struct mount_entry *wanted = &table->entries[entry];

	if (system_target_init(target, wanted, why) != 0)
		return (-1);
	if (strcmp(wanted->type, ZFS) == 0)
		return (zfs_pools_ready(why));
	if (strcmp(wanted->type, UFS) != 0)
		return (0);
	target->fd = open(_PATH_UFSSUSPEND, O_RDONLY | O_CLOEXEC);
	if (target->fd == -1) {
		why_set(why, wanted->point, "cannot open " _PATH_UFSSUSPEND,
		    errno);
		return (-1);
	}
	return (0);
}

/*
 * No call writes out one file system and waits for it.  sync(2) only starts the
 * writing, which is enough before a suspension, as that waits for the rest.
 */
int
system_sync(const struct freeze_target *target, bool freeze_follows,
    struct why *why)
{
	if (strcmp(target->type, ZFS) == 0)
		return (zfs_pools_sync(target->source, why));
	sync();
	if (freeze_follows)
		return (0);
	return (sync_tree(target->point, why));
}

int
system_thread_count(void)
{
	int mib[4] = { CTL_KERN, KERN_PROC, KERN_PROC_PID, (int)getpid() };
	struct kinfo_proc info;
	size_t size = sizeof(info);

	if (sysctl(mib, 4, &info, &size, NULL, 0) != 0 || size == 0)
		return (-1);
	return (info.ki_numthreads);
}

bool
system_fd_fs(const struct system_table *table, int fd, uint64_t *fs)
{
	struct statfs status;

	(void)table;
	if (fstatfs(fd, &status) != 0)
		return (false);
	*fs = (uint64_t)(uint32_t)status.f_fsid.val[0] << 32 |
	    (uint32_t)status.f_fsid.val[1];
	return (true);
}

void
system_fd_name(int fd, char *name, size_t size)
{
	name[0] = '\0';
#ifdef F_KINFO
	struct kinfo_file info;

	memset(&info, 0, sizeof(info));
	info.kf_structsize = KINFO_FILE_SIZE;
	if (fcntl(fd, F_KINFO, &info) == 0)
		(void)snprintf(name, size, "%s", info.kf_path);
#else
	(void)fd;
	(void)size;
#endif
}

int
system_freeze(struct freeze_target *target)
{
	fsid_t fsid = fsid_of(target->fs);
	struct fdgaps gaps;
	int error, result;

	if (fdgaps_fill(&gaps, target->fd) != 0)
		return (-1);
	result = ioctl(target->fd, UFSSUSPEND, &fsid);
	error = errno;
	fdgaps_empty(&gaps);
	errno = error;
	if (result != 0)
		return (-1);
	target->frozen = true;
	return (0);
}

/*
 * The ioctl, and not only the close, because it tells when there was nothing to
 * resume.
 */
int
system_thaw(struct freeze_target *target)
{
	if (ioctl(target->fd, UFSRESUME) == 0) {
		target->frozen = false;
		return (0);
	}
	/* No mount on the descriptor: ENOENT. */
	if (errno == ENOENT)
		errno = EINVAL;
	/* Whatever it was, the close resumes. */
	(void)close(target->fd);
	target->fd = -1;
	target->frozen = false;
	return (-1);
}
