/* A descriptor goes as a control message (SCM_RIGHTS) beside a byte of data. */
#include "base/fd_pass.h"

#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control {
    struct cmsghdr header; /* for its alignment */
    char bytes[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
};

bool fd_pass_send(int socket, struct str message, const int *fds, size_t count, int flags)
{
    assert(message.len > 0 && count > 0 && count <= FD_PASS_MAX);
    union control control = {.header = {.cmsg_len = CMSG_LEN(count * sizeof(int)),
                                        .cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS}};
    struct iovec piece = {(char *)message.data, message.len};
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    ssize_t sent;
    do
        sent = sendmsg(socket, &header, flags | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)message.len;
}

/* Room for more than were asked for: what came is closed, not lost to this process. */
static void take(struct msghdr *header, int *ret_fds, size_t count)
{
    struct cmsghdr *sent = CMSG_FIRSTHDR(header);
    if (!sent || sent->cmsg_level != SOL_SOCKET || sent->cmsg_type != SCM_RIGHTS)
        return;
    size_t came = (sent->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (came == count) {
        memcpy(ret_fds, CMSG_DATA(sent), count * sizeof(int));
        return;
    }
    for (size_t i = 0; i < came; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(sent) + i * sizeof(int), sizeof(int));
        close_fd(&fd);
    }
}

ssize_t fd_pass_receive(int socket, char *buffer, size_t size, int *ret_fds, size_t count)
{
    assert(count > 0 && count <= FD_PASS_MAX);
    union control control = {0};
    struct iovec piece = {buffer, size};
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
    ssize_t got;
    do
        got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    for (size_t i = 0; i < count; i++)
        ret_fds[i] = -1;
    if (got >= 0)
        take(&header, ret_fds, count);
    return got;
}
