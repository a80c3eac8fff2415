/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's part of sandbox.h: seccomp filters, as plain BPF.
 *
 * The broker has a list of what it may do; the history process, whose SQLite
 * does much more and another version of it perhaps more yet, a list of what it
 * may not.  Three ways to refuse:
 *
 *  - killed: what no library that is linked here does in any version, so that
 *    code of somebody else asks for it.  A killed broker is a safe end even
 *    while frozen: participants thaw by themselves, the host is told FAIL.
 *  - EPERM: what a library may try, and does without: opening a file of locale
 *    or time zone, a socket to a log or a name service, a helper process.
 *  - ENOSYS: everything else, thus also what came after this list: a C library
 *    then falls back to an older call, which it does not on EPERM.
 *
 * Since Linux 5.11 the kernel remembers which numbers are always allowed, so
 * the length of the list costs the busy calls nothing.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "kernel/vssdev/protect.h"
#include "sandbox.h"

#if PROTECT_SANITIZED
#define SANDBOX_ARCH 0
#elif defined(__x86_64__) && !defined(__ILP32__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && !defined(__ILP32__) && !defined(__AARCH64EB__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#else
#define SANDBOX_ARCH 0
#endif

#if SANDBOX_ARCH == 0

int
sandbox_broker(void)
{
	errno = ENOTSUP;
	return (-1);
}

int
sandbox_history(void)
{
	errno = ENOTSUP;
	return (-1);
}

#else

#define X32_BIT	    0x40000000U
#define PROGRAM_MAX 512
#define ARG(n)	    ((uint32_t)offsetof(struct seccomp_data, args[n]))
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

#define ACT_ALLOW   SECCOMP_RET_ALLOW
#define ACT_KILL    SECCOMP_RET_KILL_PROCESS
#define ACT_EPERM   (SECCOMP_RET_ERRNO | EPERM)
#define ACT_ENOSYS  (SECCOMP_RET_ERRNO | ENOSYS)

/* Allowed in any case.  The busiest first, for kernels before 5.11. */
static const int always[] = {
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_pwait,
	SYS_recvfrom,
	SYS_sendto,
	SYS_epoll_ctl,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_write,
	SYS_getpid,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_accept,
	SYS_accept4,
	SYS_close,
	SYS_read,
	SYS_readv,
	SYS_pread64,
	SYS_writev,
	SYS_lseek,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_getsockname,
	SYS_getpeername,
	SYS_shutdown,
	SYS_epoll_create1,
#ifdef SYS_epoll_pwait2
	SYS_epoll_pwait2,
#endif
	SYS_pselect6,
	SYS_pipe2,
	SYS_eventfd2,
	SYS_timerfd_create,
	SYS_timerfd_settime,
	/* memory */
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	/* time: system calls where the vDSO is of no use */
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_gettimeofday,
#ifdef SYS_time
	SYS_time,
#endif
	SYS_clock_nanosleep,
	SYS_nanosleep,
	/* what the C library asks for itself */
	SYS_futex,
	SYS_set_robust_list,
#ifdef SYS_rseq
	SYS_rseq,
#endif
	SYS_sched_yield,
	SYS_getrandom,
	SYS_sysinfo, /* qsort */
	SYS_fstat,
	SYS_getrlimit,
	SYS_gettid,
	SYS_getppid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_getgroups,
	/* signals that come, and the end */
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
};

static const int never[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_bpf,
	SYS_userfaultfd,
	SYS_perf_event_open,
	SYS_unshare,
	SYS_setns,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
/* System calls that no filter sees. */
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
#endif
};

/* EPERM for both: other processes, and the network. */
static const int others[] = {
	SYS_kill,
	SYS_tkill,
	SYS_rt_sigqueueinfo,
	SYS_rt_tgsigqueueinfo,
#ifdef SYS_pidfd_send_signal
	SYS_pidfd_send_signal,
#endif
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
#endif
	SYS_clone,
	SYS_socket,
	SYS_socketpair,
	SYS_connect,
	SYS_bind,
	SYS_listen,
};

/* EPERM for the broker: file systems. */
static const int files[] = {
#ifdef SYS_open
	SYS_open, SYS_creat, SYS_unlink, SYS_rename, SYS_mkdir, SYS_rmdir,
	SYS_link, SYS_symlink, SYS_chmod, SYS_chown, SYS_stat, SYS_lstat,
	SYS_access, SYS_readlink,
#endif
	SYS_openat,
#ifdef SYS_openat2
	SYS_openat2,
#endif
	SYS_open_by_handle_at, SYS_unlinkat, SYS_renameat2, SYS_mkdirat,
	SYS_linkat, SYS_symlinkat, SYS_fchmod, SYS_fchmodat, SYS_fchown,
	SYS_fchownat, SYS_faccessat, SYS_readlinkat, SYS_truncate,
	SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_chdir,
	SYS_getcwd, SYS_ioctl, /* a terminal's input can be faked with it */
};

/* Not F_SETOWN and F_SETSIG: they are a way to send signals. */
static const int fcntls[] = {
	F_GETFD,
	F_SETFD,
	F_GETFL,
	F_SETFL,
	F_DUPFD,
	F_DUPFD_CLOEXEC,
};

/* isatty(3), of a parser.  Others fake a terminal's input. */
static const int ioctls[] = {
	(int)TCGETS,
};

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short length;
};

static void
emit(struct program *program, struct sock_filter instruction)
{
	if (program->length < PROGRAM_MAX)
		program->code[program->length] = instruction;
	/* Too long: a length that install() refuses. */
	program->length++;
}

static void
emit_load(struct program *program, uint32_t offset)
{
	emit(program,
	    (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void
emit_return(struct program *program, uint32_t action)
{
	emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* If the loaded word compares so, the next instruction is done, or left out. */
static void
emit_if(struct program *program, uint16_t comparison, uint32_t value)
{
	emit(program,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | comparison | BPF_K, value, 0,
		1));
}

static void
emit_if_not(struct program *program, uint16_t comparison, uint32_t value)
{
	emit(program,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | comparison | BPF_K, value, 1,
		0));
}

static void
emit_list(struct program *program, const int *numbers, size_t count,
    uint32_t action)
{
	size_t i;

	for (i = 0; i < count; i++) {
		emit_if(program, BPF_JEQ, (uint32_t)numbers[i]);
		emit_return(program, action);
	}
}

/* The number is loaded when this is done. */
static void
emit_start(struct program *program)
{
	emit_load(program, (uint32_t)offsetof(struct seccomp_data, arch));
	emit_if_not(program, BPF_JEQ, SANDBOX_ARCH);
	emit_return(program, ACT_KILL);
	emit_load(program, (uint32_t)offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	emit_if(program, BPF_JGE, X32_BIT);
	emit_return(program, ACT_KILL);
#endif
}

/*
 * Call number is decided by the low half of an argument: allowed if it compares
 * so (or does not), EPERM otherwise.  Calls that take an int take that half.
 */
static void
emit_by_arg(struct program *program, int number, unsigned arg,
    uint16_t comparison, uint32_t value, bool allow)
{
	/* Another number jumps over the four that follow. */
	emit(program,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		(uint32_t)number, 0, 4));
	emit_load(program, ARG(arg));
	emit_if(program, comparison, value);
	emit_return(program, allow ? ACT_ALLOW : ACT_EPERM);
	emit_return(program, allow ? ACT_EPERM : ACT_ALLOW);
}

/* The same for an argument that is one of a list: allowed, or EPERM. */
static void
emit_by_command(struct program *program, int number, const int *commands,
    unsigned count)
{
	emit(program,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		(uint32_t)number, 0, (uint8_t)(2 * count + 2)));
	emit_load(program, ARG(1));
	emit_list(program, commands, count, ACT_ALLOW);
	emit_return(program, ACT_EPERM);
}

/* Only to ask: the pointer to a new limit is NULL, in both halves. */
static void
emit_prlimit(struct program *program)
{
	emit(program,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		SYS_prlimit64, 0, 7));
	emit_load(program, ARG(2));
	emit_if_not(program, BPF_JEQ, 0);
	emit_return(program, ACT_EPERM);
	emit_load(program, ARG(2) + 4);
	emit_if(program, BPF_JEQ, 0);
	emit_return(program, ACT_ALLOW);
	emit_return(program, ACT_EPERM);
}

static int
install(const struct program *program)
{
	struct sock_fprog filter = { program->length,
		/* The kernel only reads it. */
		(struct sock_filter *)(uintptr_t)program->code };

	if (program->length > PROGRAM_MAX) {
		errno = E2BIG;
		return (-1);
	}
	/* Without it only root may install a filter. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (-1);
	return (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0));
}

int
sandbox_broker(void)
{
	struct program program = { .length = 0 };

	emit_start(&program);
	emit_list(&program, always, COUNT(always), ACT_ALLOW);
	/* Memory is either written or executed. */
	emit_by_arg(&program, SYS_mmap, 2, BPF_JSET, PROT_EXEC, false);
	emit_by_arg(&program, SYS_mprotect, 2, BPF_JSET, PROT_EXEC, false);
	/* fstat(3) of newer C libraries: a descriptor, and no path. */
#ifdef SYS_newfstatat
	emit_by_arg(&program, SYS_newfstatat, 3, BPF_JSET, AT_EMPTY_PATH, true);
#endif
	emit_by_arg(&program, SYS_statx, 2, BPF_JSET, AT_EMPTY_PATH, true);
	/* abort(3). */
	emit_by_arg(&program, SYS_tgkill, 0, BPF_JEQ, (uint32_t)getpid(), true);
	emit_by_command(&program, SYS_fcntl, fcntls, COUNT(fcntls));
	emit_by_command(&program, SYS_ioctl, ioctls, COUNT(ioctls));
	emit_prlimit(&program);
	emit_list(&program, never, COUNT(never), ACT_KILL);
	emit_list(&program, others, COUNT(others), ACT_EPERM);
	emit_list(&program, files, COUNT(files), ACT_EPERM);
	emit_return(&program, ACT_ENOSYS);
	return (install(&program));
}

int
sandbox_history(void)
{
	struct program program = { .length = 0 };

	emit_start(&program);
	emit_list(&program, never, COUNT(never), ACT_KILL);
	emit_list(&program, others, COUNT(others), ACT_EPERM);
#ifdef SYS_clone3
	/* The C library then tries clone. */
	emit_if(&program, BPF_JEQ, SYS_clone3);
	emit_return(&program, ACT_ENOSYS);
#endif
	emit_return(&program, ACT_ALLOW);
	return (install(&program));
}

#endif /* SANDBOX_ARCH */
