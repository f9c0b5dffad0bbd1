/* Channels: addresses, waiting, and bytes in clear or through TLS. */
#include "net/client/channel.h"

#include "base/clock.h"
#include "net/client/channel_internal.h"
#include "net/client/internal.h"
#include "net/resolve.h"
#include "net/tcp_received.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    WAIT_SLICE_MS = 200, /* how often a wait looks whether the server is stopping */
};

bool channel_fail(struct channel *channel, enum client_outcome outcome, const char *clause)
{
    channel->outcome = outcome;
    channel->clause = clause;
    return false;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

static bool is_stopping(struct client *client)
{
    pthread_mutex_lock(&client->lock);
    bool stopping = client->stopping;
    pthread_mutex_unlock(&client->lock);
    return stopping;
}

/* Whether the next step may begin. `until_ms` is the deadline that holds for it. */
static bool check(struct channel *channel, int64_t until_ms)
{
    if (is_stopping(channel->client))
        return channel_fail(channel, CLIENT_STOPPED, "was left: the server is stopping");
    if (channel->watch && !channel->watch->goes_on(channel->watch->context))
        return channel_fail(channel, CLIENT_ABORTED, "was left: the caller is to end");
    if (clock_mono_ms() >= until_ms)
        return channel_fail(channel, CLIENT_TIMEOUT, "did not answer within the time limit");
    if (tcp_received(channel->fd) > channel->received_max)
        return channel_fail(channel, CLIENT_TOO_LARGE, "answers with more than is read");
    return true;
}

bool channel_may_continue(void *context)
{
    struct channel *channel = context;
    slot_release();
    slot_acquire();
    return check(channel, channel->deadline_ms);
}

bool channel_await(struct channel *channel, short events, int64_t until_ms)
{
    struct pollfd fd = {.fd = channel->fd, .events = events};
    int ready = 0;
    while (ready == 0) {
        int64_t left_ms = until_ms - clock_mono_ms();
        int slice_ms = (int)earlier(left_ms > 0 ? left_ms : 0, WAIT_SLICE_MS);
        slot_release();
        ready = poll(&fd, 1, slice_ms);
        slot_acquire();
        if (!check(channel, until_ms))
            return false;
    }
    return true;
}

/* --- connecting --- */

static const char *connect_clause(int reason)
{
    static const struct {
        int reason;
        const char *clause;
    } rows[] = {
        {ECONNREFUSED, "does not take connections: Connection refused"},
        {EHOSTUNREACH, "does not take connections: No route to host"},
        {ENETUNREACH, "does not take connections: Network is unreachable"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].reason == reason)
            return rows[i].clause;
    }
    return "does not take connections";
}

static void close_socket(struct channel *channel)
{
    if (channel->fd >= 0)
        close(channel->fd);
    channel->fd = -1;
}

/* The address has its port. */
static bool connect_to(struct channel *channel, const struct sockaddr *address, socklen_t size)
{
    int on = 1, reason = 0;
    socklen_t reason_size = sizeof(reason);
    channel->connect_end_ms =
        earlier(channel->deadline_ms, clock_mono_ms() + channel->client->connect_timeout_ms);
    channel->fd =
        socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (channel->fd < 0)
        return channel_fail(channel, CLIENT_CONNECT, "was not called: no socket could be opened");
    setsockopt(channel->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(channel->fd, address, size) != 0 && errno != EINPROGRESS)
        return channel_fail(channel, CLIENT_CONNECT, connect_clause(errno));
    if (!channel_await(channel, POLLOUT, channel->connect_end_ms))
        return false;
    if (getsockopt(channel->fd, SOL_SOCKET, SO_ERROR, &reason, &reason_size) != 0 || reason != 0)
        return channel_fail(channel, CLIENT_CONNECT, connect_clause(reason));
    channel->connected = true;
    return true;
}

static bool connect_to_sandbox(struct channel *channel)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)channel->client->postgres_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect_to(channel, (const struct sockaddr *)&address, sizeof(address));
}

/* Both families have the port at the same place. */
static socklen_t set_port(struct sockaddr_storage *address, int port)
{
    ((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

/* A name without an address and one whose addresses are refused are the same to the caller: which
 * names exist inside the operator's network is not the caller's to know. */
static bool fail_no_address(struct channel *channel)
{
    if (egress_is_literal(channel->host) || memchr(channel->host.data, ':', channel->host.len))
        return channel_fail(channel, CLIENT_REFUSED,
                            "is an address that this server may not connect to");
    return channel_fail(channel, CLIENT_RESOLVE, "has no address that this server may connect to");
}

static bool connect_to_any(struct channel *channel, struct resolved *resolved)
{
    fail_no_address(channel);
    for (size_t i = 0; i < resolved->count; i++) {
        struct sockaddr *address = (struct sockaddr *)&resolved->addresses[i];
        socklen_t size = set_port(&resolved->addresses[i], channel->port);
        if (!egress_allows(channel->client->egress, address))
            continue;
        if (connect_to(channel, address, size))
            return true;
        close_socket(channel);
        if (channel->outcome == CLIENT_STOPPED || clock_mono_ms() >= channel->deadline_ms)
            return false;
    }
    return false;
}

bool channel_open(struct channel *channel)
{
    struct resolved resolved;
    channel->fd = -1;
    if (channel->client->sandbox)
        return connect_to_sandbox(channel);
    if (egress_denies_host(channel->client->egress, channel->host))
        return channel_fail(channel, CLIENT_REFUSED,
                            "is not allowed by this server's egress policy");
    int64_t until_ms =
        earlier(channel->deadline_ms, clock_mono_ms() + channel->client->connect_timeout_ms);
    if (resolve_host(channel->host, channel->account, until_ms, &resolved))
        return connect_to_any(channel, &resolved);
    if (resolved.busy)
        return channel_fail(channel, CLIENT_BUSY,
                            "was not looked up: as many look-ups as one account may have are "
                            "under way");
    if (resolved.timed_out)
        return channel_fail(channel, CLIENT_TIMEOUT, "was not found within the time limit");
    return fail_no_address(channel);
}

/* Says goodbye in TLS, which does not wait for the peer. */
void channel_close(struct channel *channel)
{
    if (channel->ssl && SSL_is_init_finished(channel->ssl))
        SSL_shutdown(channel->ssl);
    SSL_free(channel->ssl);
    SSL_CTX_free(channel->tls);
    channel->ssl = NULL;
    channel->tls = NULL;
    close_socket(channel);
}

/* --- bytes --- */

/* After a call of OpenSSL's or of the system's that returned without success. True: try again. */
static bool await_more(struct channel *channel, int result, short events)
{
    if (!channel->ssl)
        return (errno == EINTR || errno == EAGAIN) && result < 0
                   ? channel_await(channel, events, channel->deadline_ms)
                   : channel_fail(channel, CLIENT_BROKEN, "ended the conversation");
    switch (SSL_get_error(channel->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return channel_await(channel, POLLIN, channel->deadline_ms);
    case SSL_ERROR_WANT_WRITE:
        return channel_await(channel, POLLOUT, channel->deadline_ms);
    default:
        return channel_fail(channel, CLIENT_BROKEN, "ended the conversation");
    }
}

bool channel_write(struct channel *channel, struct str bytes)
{
    while (bytes.len > 0) {
        ERR_clear_error();
        ssize_t count = channel->ssl ? SSL_write(channel->ssl, bytes.data, (int)bytes.len)
                                     : send(channel->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (count > 0)
            bytes = (struct str){bytes.data + count, bytes.len - (size_t)count};
        else if (!await_more(channel, (int)count, POLLOUT))
            return false;
    }
    return true;
}

/* A peer whose bytes are always there would never be waited for: hence the check at every call. */
size_t channel_read(struct channel *channel, void *out, size_t size)
{
    ssize_t count = 0;
    while (check(channel, channel->deadline_ms)) {
        ERR_clear_error();
        count =
            channel->ssl ? SSL_read(channel->ssl, out, (int)size) : recv(channel->fd, out, size, 0);
        if (count > 0)
            return (size_t)count;
        if (!await_more(channel, (int)count, POLLIN))
            return 0;
    }
    return 0;
}
