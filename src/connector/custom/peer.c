/* Whose connection a Runtime API request came over, as the kernel says it: a port of a loopback
 * address is open to every user of the machine, and calls carry what others must not read. Asked at
 * each request, since a port that was closed may have become another user's. */
#include "base/fd.h"
#include "base/log.h"
#include "connector/custom/local_internal.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TABLE_LINE_MAX = 256,
    TABLE_USER = 7,
    TABLE_INODE = 9, /* 0: closed */
    TABLE_FIELDS = 10,
    ANSWER_MAX = 1024,
};

/* The client's end of a connection over 127.0.0.1. */
struct ends {
    uint16_t client_port, own_port;
};

/* --- sock_diag(7) --- */

struct socket_question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

static struct socket_question question_of(const struct ends *ends)
{
    uint32_t loopback = htonl(INADDR_LOOPBACK);
    return (struct socket_question){
        .head = {.nlmsg_len = sizeof(struct socket_question),
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = AF_INET,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = ~0U,
                 .id = {.idiag_sport = htons(ends->client_port),
                        .idiag_dport = htons(ends->own_port),
                        .idiag_src = {loopback},
                        .idiag_dst = {loopback},
                        .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
}

/* False: there is no such socket, or this kernel does not answer. */
static bool ask(const struct ends *ends, uid_t *ret_user)
{
    _cleanup_close_ int fd =
        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    struct socket_question question = question_of(ends);
    union {
        struct nlmsghdr head;
        char bytes[ANSWER_MAX];
    } answer;
    struct inet_diag_msg found;
    if (fd < 0 || send(fd, &question, sizeof(question), 0) != (ssize_t)sizeof(question))
        return false;
    ssize_t size = recv(fd, &answer, sizeof(answer), 0); /* the kernel has answered within send */
    if (size < (ssize_t)NLMSG_LENGTH(sizeof(found)) ||
        answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return false;
    memcpy(&found, NLMSG_DATA(&answer.head), sizeof(found));
    if (found.idiag_inode == 0)
        return false; /* closed: the kernel says no longer whose it was */
    *ret_user = found.idiag_uid;
    return true;
}

/* --- the table, for kernels without sock_diag --- */

static bool is_loopback(const char *end, unsigned port)
{
    char *after = NULL;
    unsigned long address = strtoul(end, &after, 16);
    return address == htonl(INADDR_LOOPBACK) && *after == ':' &&
           strtoul(after + 1, NULL, 16) == port;
}

/* "SL: ADDRESS:PORT ADDRESS:PORT STATE TX:RX TR:WHEN RETRANSMITS UID …", addresses and ports in
 * hexadecimal. */
static bool is_line_of(char *line, const struct ends *ends, uid_t *ret_user)
{
    char *fields[TABLE_FIELDS], *rest = NULL;
    size_t count = 0;
    for (char *field = strtok_r(line, " ", &rest); field && count < TABLE_FIELDS;
         field = strtok_r(NULL, " ", &rest))
        fields[count++] = field;
    if (count < TABLE_FIELDS || !is_loopback(fields[1], ends->client_port) ||
        !is_loopback(fields[2], ends->own_port) || strtoul(fields[TABLE_INODE], NULL, 10) == 0)
        return false;
    *ret_user = (uid_t)strtoul(fields[TABLE_USER], NULL, 10);
    return true;
}

static bool look_up(const struct ends *ends, uid_t *ret_user)
{
    char line[TABLE_LINE_MAX];
    bool found = false;
    FILE *table = fopen("/proc/self/net/tcp", "re");
    if (!table)
        log_error("Neither sock_diag nor /proc/self/net/tcp says whose a connection is: no local "
                  "connector can be run.");
    while (table && !found && fgets(line, sizeof(line), table))
        found = is_line_of(line, ends, ret_user);
    if (table)
        fclose(table);
    return found;
}

bool peer_is_own_user(const struct process *process, struct http_exchange *exchange)
{
    struct str client = http_client_address(exchange), host = STR(""), port = STR("");
    unsigned long long number = 0;
    uid_t user;
    if (!str_cut(client, ':', &host, &port) || !str_eq(host, STR("127.0.0.1")) ||
        !str_to_u64(port, UINT16_MAX, &number))
        return false;
    struct ends ends = {(uint16_t)number, (uint16_t)atomic_load(&process->port)};
    return (ask(&ends, &user) || look_up(&ends, &user)) && user == geteuid();
}
