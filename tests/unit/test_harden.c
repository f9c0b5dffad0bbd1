/* What a hardened process can no longer do, and what it still can. Each attempt is made in a child,
 * since there is no way back. */
#include "cmocka_all.h"

#include "keyring_scratch.h"

#include "cli/harden.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_HARDENED = 200 };

struct attempt {
    const char *name;
    int (*make)(void); /* 0, or the reason why it fails */
    int expected;
};

static int why(long result)
{
    return result < 0 ? errno : 0;
}

/* How the attempt ended in a process that the given function has restricted. */
static int outcome(bool (*harden)(struct error *), int (*attempt)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct error error = {0};
        _exit(harden(&error) ? attempt() : NOT_HARDENED);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void check(bool (*harden)(struct error *), const struct attempt *attempts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int found = outcome(harden, attempts[i].make);
        if (found != attempts[i].expected)
            fail_msg("%s: %s instead of %s", attempts[i].name, strerror(found),
                     strerror(attempts[i].expected));
    }
}

/* --- system calls --- */

static int open_family(int family)
{
    return why(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int raw_socket(void)
{
    return open_family(AF_PACKET);
}

static int vm_socket(void)
{
    return open_family(AF_VSOCK);
}

static int crypto_socket(void)
{
    return open_family(AF_ALG);
}

static int inet_socket(void)
{
    return open_family(AF_INET6) || open_family(AF_INET);
}

static int unix_socket(void)
{
    return open_family(AF_UNIX) || open_family(AF_NETLINK);
}

static int new_namespace(void)
{
    return why(unshare(CLONE_NEWUSER));
}

static int child_in_namespace(void)
{
    return why(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int mount_anything(void)
{
    return why(mount("none", "/tmp", "tmpfs", 0, NULL));
}

static int other_memory(void)
{
    return why(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0));
}

static int new_ring(void)
{
    return why(syscall(SYS_io_uring_setup, 1, NULL));
}

static int other_user(void)
{
    return why(setuid(getuid()));
}

static int map(int protection, void **ret_memory)
{
    *ret_memory = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return *ret_memory == MAP_FAILED ? errno : 0;
}

static int code_that_is_written(void)
{
    void *memory;
    return map(PROT_READ | PROT_WRITE | PROT_EXEC, &memory);
}

static int data_that_becomes_code(void)
{
    void *memory;
    int fault = map(PROT_READ | PROT_WRITE, &memory);
    return fault ? fault : why(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static void *nothing(void *argument)
{
    return argument;
}

static int a_thread(void)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, nothing, NULL);
    return rc ? rc : pthread_join(thread, NULL);
}

static int any_file(void)
{
    return why(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static const struct attempt calls[] = {
    {"a raw socket", raw_socket, EAFNOSUPPORT},
    {"a socket of a hypervisor", vm_socket, EAFNOSUPPORT},
    {"a socket of the kernel's ciphers", crypto_socket, EAFNOSUPPORT},
    {"TCP's sockets", inet_socket, 0},
    {"UNIX and netlink sockets", unix_socket, 0},
    {"a namespace", new_namespace, EPERM},
    {"a child in a namespace", child_in_namespace, EPERM},
    {"a mount", mount_anything, EPERM},
    {"another process's memory", other_memory, EPERM},
    {"a ring for system calls", new_ring, EPERM},
    {"another user", other_user, EPERM},
    {"memory to write and to execute", code_that_is_written, EPERM},
    {"data that becomes code", data_that_becomes_code, EPERM},
    {"a thread", a_thread, 0},
    {"a file", any_file, 0},
};

static void calls_that_a_server_never_makes_are_refused(void **state)
{
    (void)state;
    check(harden_calls, calls, sizeof(calls) / sizeof(*calls));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__has_feature)
static int another_program(void)
{
    return why(execl("/bin/true", "true", (char *)NULL));
}

static int tracing(void)
{
    return why(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static void no_other_program_is_started(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"another program", another_program, EPERM},
        {"tracing", tracing, EPERM},
    };
    check(harden_calls, attempts, sizeof(attempts) / sizeof(*attempts));
}
#endif

/* --- files --- */

static bool harden_to_scratch(struct error *error)
{
    const char *directory = scratch_directory;
    return harden_writes(&directory, 1, error);
}

static int create(const char *path)
{
    return why(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int file_inside(void)
{
    char to[4096];
    snprintf(to, sizeof(to), "%s", scratch_path("renamed"));
    int fault = create(scratch_path("inside"));
    return fault ? fault : why(rename(scratch_path("inside"), to));
}

static int file_beside(void)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s-beside", scratch_directory);
    return create(path);
}

static int change_of_a_file_outside(void)
{
    return why(open("/proc/self/comm", O_WRONLY | O_CLOEXEC));
}

static int directory_beside(void)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s-directory", scratch_directory);
    return why(mkdir(path, 0700));
}

static int null_device(void)
{
    return why(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static void files_are_written_in_the_directory_alone(void **state)
{
    (void)state;
    static const struct attempt attempts[] = {
        {"a file in the directory", file_inside, 0},
        {"a file beside it", file_beside, EACCES},
        {"a file that exists elsewhere", change_of_a_file_outside, EACCES},
        {"a directory beside it", directory_beside, EACCES},
        {"the null device", null_device, 0},
        {"reading", any_file, 0},
    };
    struct error error;
    if (outcome(harden_to_scratch, any_file) == NOT_HARDENED) {
        const char *directory = scratch_directory;
        assert_false(harden_writes(&directory, 1, &error)); /* the kernel's own reason */
        assert_non_null(strstr(error.message, "has no Landlock"));
        return;
    }
    check(harden_to_scratch, attempts, sizeof(attempts) / sizeof(*attempts));
}

static bool harden_to_nowhere(struct error *error)
{
    const char *directory = "/no/such/directory";
    return harden_writes(&directory, 1, error);
}

static void a_directory_that_is_missing_is_said(void **state)
{
    (void)state;
    struct error error = {0};
    assert_false(harden_to_nowhere(&error));
    assert_true(strstr(error.message, "/no/such/directory: No such file or directory") ||
                strstr(error.message, "has no Landlock"));
    assert_int_equal(outcome(harden_to_nowhere, file_beside), NOT_HARDENED);
}

static void modes_have_names(void **state)
{
    (void)state;
    enum hardening hardening;
    assert_true(hardening_from("required", &hardening));
    assert_int_equal(hardening, HARDENING_REQUIRED);
    assert_true(hardening_from("off", &hardening));
    assert_int_equal(hardening, HARDENING_OFF);
    assert_true(hardening_from("on", &hardening));
    assert_int_equal(hardening, HARDENING_ON);
    assert_false(hardening_from("yes", &hardening));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_that_a_server_never_makes_are_refused),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__has_feature)
        cmocka_unit_test(no_other_program_is_started),
#endif
        cmocka_unit_test(files_are_written_in_the_directory_alone),
        cmocka_unit_test(a_directory_that_is_missing_is_said),
        cmocka_unit_test(modes_have_names),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
