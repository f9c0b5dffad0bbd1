/* The tables say what is refused; libseccomp makes the filter of them. Landlock's three system
 * calls have no wrapper in libc. */
#include "cli/harden.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

bool hardening_from(const char *text, enum hardening *ret_hardening)
{
    static const char *const names[] = {
        [HARDENING_ON] = "on", [HARDENING_REQUIRED] = "required", [HARDENING_OFF] = "off"};
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_hardening = (enum hardening)i;
            return true;
        }
    }
    return false;
}

/* --- Landlock --- */

/* What ABI version 1 knows of changes to files. Later versions add rights for moving files between
 * directories and for truncating; a kernel that has them is asked for them too. */
static const __u64 write_rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                  LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

enum {
    ABI_TRUNCATE = 3,
    ACCESS_FS_TRUNCATE = 1 << 14, /* linux/landlock.h of Linux 6.2; Debian 12 has 6.1's */
};

/* Written for all to see it by tools and libraries; harmless. */
static const char null_device[] = "/dev/null";

static __u64 rights_of(long abi)
{
    return write_rights | (abi >= ABI_TRUNCATE ? (__u64)ACCESS_FS_TRUNCATE : 0);
}

static bool allow_beneath(int ruleset, const char *path, __u64 rights, struct error *error)
{
    _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    if (fd >= 0 &&
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
        return true;
    return fail(error, ERR_INTERNAL, "Landlock does not take %s: %s.", path, strerror(errno));
}

static bool allow_all(int ruleset, const char *const directories[], size_t count, __u64 rights,
                      struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!allow_beneath(ruleset, directories[i], rights, error))
            return false;
    }
    return allow_beneath(ruleset, null_device,
                         rights & (LANDLOCK_ACCESS_FS_WRITE_FILE | (__u64)ACCESS_FS_TRUNCATE),
                         error);
}

bool harden_writes(const char *const directories[], size_t count, struct error *error)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr attributes = {.handled_access_fs = rights_of(abi)};
    if (abi < 1)
        return fail(error, ERR_INTERNAL, "this kernel has no Landlock: %s.", strerror(errno));
    _cleanup_close_ int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
    if (ruleset >= 0 && !allow_all(ruleset, directories, count, rights_of(abi), error))
        return false;
    if (ruleset >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
        return true;
    return fail(error, ERR_INTERNAL, "Landlock is refused here: %s.", strerror(errno));
}

/* --- seccomp --- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* By name, as libseccomp knows more of them than a C library's headers; those that an architecture
 * does not have are left out there. */
static const char *const refused_calls[] = {
#ifndef SANITIZED /* whose runtime looks for leaks and names functions with these */
    "execve",
    "execveat",
    "ptrace",
    "personality",
#endif
    /* other processes */
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "pidfd_getfd",
    "process_madvise",
    /* namespaces, mounts, roots */
    "unshare",
    "setns",
    "mount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "pivot_root",
    "chroot",
    /* the kernel and the machine */
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "bpf",
    "perf_event_open",
    "syslog",
    "acct",
    "quotactl",
    "quotactl_fd",
    "iopl",
    "ioperm",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "vhangup",
    "nfsservctl",
    "lookup_dcookie",
    "fanotify_init",
    /* other users, their keys, files past a directory's rights */
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "capset",
    "add_key",
    "request_key",
    "keyctl",
    "open_by_handle_at",
    "mknod",
    "mknodat",
    /* parts of the kernel that a server needs none of and that had many faults */
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "memfd_secret",
    "modify_ldt",
    "remap_file_pages",
    "vmsplice",
};

/* Sockets are for TCP, UNIX addresses and, for looking names up, netlink: what is between these
 * and above them is refused. */
static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static const int namespace_flags[] = {CLONE_NEWCGROUP, CLONE_NEWIPC,  CLONE_NEWNET, CLONE_NEWNS,
                                      CLONE_NEWPID,    CLONE_NEWUSER, CLONE_NEWUTS};

/* A call that this architecture does not have is not refused: libseccomp says EDOM or EFAULT. */
static int refuse(scmp_filter_ctx filter, int code, int call, unsigned count,
                  const struct scmp_arg_cmp *arguments)
{
    if (call == __NR_SCMP_ERROR)
        return 0;
    int rc = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((unsigned)code), call, count, arguments);
    return rc == -EDOM || rc == -EFAULT ? 0 : rc;
}

static int refuse_names(scmp_filter_ctx filter)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < COUNT(refused_calls); i++)
        rc = refuse(filter, EPERM, seccomp_syscall_resolve_name(refused_calls[i]), 0, NULL);
    return rc;
}

static int refuse_families(scmp_filter_ctx filter)
{
    int rc = 0;
    for (int family = 0, next = 0; rc == 0 && family < families[COUNT(families) - 1]; family++) {
        if (family == families[next])
            next++;
        else
            rc = refuse(filter, EAFNOSUPPORT, SCMP_SYS(socket), 1,
                        &SCMP_A0_32(SCMP_CMP_EQ, (unsigned)family, 0));
    }
    return rc ? rc
              : refuse(filter, EAFNOSUPPORT, SCMP_SYS(socket), 1,
                       &SCMP_A0_32(SCMP_CMP_GT, (unsigned)families[COUNT(families) - 1], 0));
}

/* A filter cannot look into clone3's structure, so that call seems not to be there: libc then uses
 * clone(2), whose flags it can see. */
static int refuse_namespaces(scmp_filter_ctx filter)
{
    int rc = refuse(filter, ENOSYS, SCMP_SYS(clone3), 0, NULL);
    for (size_t i = 0; rc == 0 && i < COUNT(namespace_flags); i++) {
        unsigned flag = (unsigned)namespace_flags[i];
        rc = refuse(filter, EPERM, SCMP_SYS(clone), 1, &SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
    }
    return rc;
}

/* PCRE2's machine code is made before, and libcurl's libraries are mapped from files that are not
 * writable. */
static int refuse_new_code(scmp_filter_ctx filter)
{
    const unsigned both = PROT_WRITE | PROT_EXEC, exec = PROT_EXEC;
    int rc = refuse(filter, EPERM, SCMP_SYS(mmap), 1, &SCMP_A2(SCMP_CMP_MASKED_EQ, both, both));
    if (rc == 0)
        rc = refuse(filter, EPERM, SCMP_SYS(mprotect), 1, &SCMP_A2(SCMP_CMP_MASKED_EQ, exec, exec));
    if (rc == 0)
        rc = refuse(filter, EPERM, SCMP_SYS(pkey_mprotect), 1,
                    &SCMP_A2(SCMP_CMP_MASKED_EQ, exec, exec));
    return rc;
}

bool harden_calls(struct error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;
    if (rc == 0)
        rc = refuse_names(filter);
    if (rc == 0)
        rc = refuse_families(filter);
    if (rc == 0)
        rc = refuse_namespaces(filter);
    if (rc == 0)
        rc = refuse_new_code(filter);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc == 0 ||
           fail(error, ERR_INTERNAL, "this kernel takes no filter for system calls (seccomp): %s.",
                strerror(-rc));
}
