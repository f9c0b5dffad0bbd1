/* Descriptors that another process gets: as many as it asked for, or none. */
#include "cmocka_all.h"

#include "base/fd.h"
#include "base/fd_pass.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

struct pair {
    int ends[2];
    int pipe[2];
};

static struct pair open_pair(void)
{
    struct pair pair;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.ends), 0);
    assert_int_equal(pipe2(pair.pipe, O_CLOEXEC | O_NONBLOCK), 0);
    return pair;
}

static void close_pair(struct pair *pair)
{
    for (size_t i = 0; i < 2; i++) {
        close_fd(&pair->ends[i]);
        close_fd(&pair->pipe[i]);
    }
}

static void what_is_passed_is_the_same_file(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    char message[8], byte = 0;
    int fds[2];
    assert_true(fd_pass_send(pair.ends[0], STR("order"), pair.pipe, 2, 0));
    assert_int_equal(fd_pass_receive(pair.ends[1], message, sizeof(message), fds, 2), 5);
    assert_memory_equal(message, "order", 5);
    assert_int_not_equal(fds[1], pair.pipe[1]);
    assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(pair.pipe[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close_fd(&fds[0]);
    close_fd(&fds[1]);
    close_pair(&pair);
}

/* The end of the pipe is seen when no copy of its writing end is left. */
static void more_or_fewer_than_asked_for_are_closed(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    char message[8], byte;
    int fds[2];
    for (size_t asked = 1; asked <= 2; asked++) {
        size_t sent = 3 - asked;
        assert_true(fd_pass_send(pair.ends[0], STR("order"), pair.pipe + 2 - sent, sent, 0));
        assert_int_equal(fd_pass_receive(pair.ends[1], message, sizeof(message), fds, asked), 5);
        assert_int_equal(fds[0], -1);
        assert_int_equal(fds[asked - 1], -1);
    }
    close_fd(&pair.pipe[1]);
    assert_int_equal(read(pair.pipe[0], &byte, 1), 0);
    close_pair(&pair);
}

static void a_message_without_any(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    char message[8];
    int fd;
    assert_int_equal(send(pair.ends[0], "r", 1, 0), 1);
    assert_int_equal(fd_pass_receive(pair.ends[1], message, sizeof(message), &fd, 1), 1);
    assert_int_equal(fd, -1);
    close_pair(&pair);
}

static void an_other_end_that_is_closed(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    char message[8];
    int fd;
    close_fd(&pair.ends[0]);
    assert_int_equal(fd_pass_receive(pair.ends[1], message, sizeof(message), &fd, 1), 0);
    assert_int_equal(fd, -1);
    assert_false(fd_pass_send(pair.ends[1], STR("order"), pair.pipe, 1, 0));
    assert_int_equal(errno, EPIPE);
    close_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_passed_is_the_same_file),
        cmocka_unit_test(more_or_fewer_than_asked_for_are_closed),
        cmocka_unit_test(a_message_without_any),
        cmocka_unit_test(an_other_end_that_is_closed),
    };
    return cmocka_run_group_tests_name("descriptors passed", tests, NULL, NULL);
}
