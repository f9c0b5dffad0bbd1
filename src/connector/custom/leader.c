/* What a local connector's process is before it becomes the command: limits, standard files,
 * signals, no new privileges. All of it holds for what the command starts, too. */
#include "connector/custom/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CPU_TIME_S = 3600,                 /* of one process in its life */
    OPEN_FILES_MAX = 1024,             /* Lambda's */
    FILE_SIZE_MAX = 512 * 1024 * 1024, /* bytes of one file: Lambda's /tmp */
    NICE_MORE = 5,                     /* the server's event loops come first */
    SIGNAL_NUMBERS = 64,
};

/* A limit that is lower already stays. */
static bool limit(enum __rlimit_resource resource, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0)
        return false;
    if (now.rlim_max > most)
        now.rlim_max = most;
    if (now.rlim_cur > now.rlim_max)
        now.rlim_cur = now.rlim_max;
    return setrlimit(resource, &now) == 0;
}

/* RLIMIT_DATA counts what is private and writable, and not address space that is only reserved:
 * the JVM and V8 reserve gigabytes of that. */
static bool set_limits(const struct launch_received *launch)
{
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_CPU, CPU_TIME_S) &&
           limit(RLIMIT_NOFILE, OPEN_FILES_MAX) && limit(RLIMIT_FSIZE, FILE_SIZE_MAX) &&
           (launch->memory_max == 0 || limit(RLIMIT_DATA, launch->memory_max));
}

/* A program inherits what is ignored and what is blocked. */
static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number <= SIGNAL_NUMBERS; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The rest is closed when the program starts: until then the keeper waits on one of them. */
static bool set_files(int output)
{
    int null = open("/dev/null", O_RDONLY);
    return null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
           dup2(output, STDERR_FILENO) >= 0 &&
           syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

/* A server that runs as root has processes that are root without its rights: with
 * PR_SET_NO_NEW_PRIVS no program gets them back. */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capset, &head, none) == 0;
}

const char *leader_become(const struct launch_received *launch, int output, pid_t keeper)
{
    if (setsid() < 0)
        return "setsid";
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != keeper)
        return "PR_SET_PDEATHSIG";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return "PR_SET_NO_NEW_PRIVS";
    if (!set_files(output))
        return "standard files";
    /* First: hidden paths are relative to the server's directory, which is still this one's. */
    if (!isolate(launch))
        return "Landlock";
    if (chdir(launch->directory) != 0)
        return "the working directory";
    errno = 0;
    if (nice(NICE_MORE) == -1 && errno != 0)
        return "nice";
    if (!drop_capabilities())
        return "capset";
    reset_signals();
    if (!set_limits(launch)) /* last: they are the command's, not this program's */
        return "setrlimit";
    execve("/bin/sh", (char *const[]){"sh", "-c", launch->command, NULL}, launch->variables);
    return "/bin/sh";
}
