/* Which connections there is room for. An address may hold as many as it leaves free, so that one
 * client cannot take all; and those that never carried a valid signature (strangers) give way to
 * newer ones, so that idle connections keep no client out. Strangers of others therefore count as
 * free. A connection that is known costs nothing here until it ends. */
#include "net/server/internal.h"

#include "base/alloc.h"
#include "base/metrics.h"
#include "net/egress.h"
#include "work/keyed_share.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { V6_NETWORK_SIZE = 8, PEER_NAME_SIZE = 1 + V6_NETWORK_SIZE }; /* bytes */

/* An address that connections come from: one of IPv4, or a /64 of IPv6, which is what one client is
 * usually given (RFC 6177). */
struct peer {
    struct share_key key; /* first, so that one pointer is both */
    struct list strangers;
    size_t stranger_count;
};

struct admission {
    pthread_mutex_t mutex;
    struct keyed_share peers;
    struct list strangers; /* that wait for a request; the one that waits longest first */
    size_t stranger_count;
};

enum shortage { SHORT_OF_ALL, SHORT_OF_SHARE, SHORTAGES };
static const char *const shortage_names[SHORTAGES] = {"connections", "address-share"};

const struct metric metric_connections_throttled = {
    "headgate_throttled_total",
    .labels = {{"limit", SHORTAGES, shortage_names, NULL}},
    METRIC_SERIES(SHORTAGES),
};

const struct metric metric_connections_evicted = {
    "headgate_connections_evicted_total",
    "Connections without a valid signature that were closed to make room for newer ones.",
    METRIC_SERIES(1),
};

struct admission *admission_new(size_t connections_max)
{
    struct admission *admission = xcalloc(1, sizeof(*admission));
    pthread_mutex_init(&admission->mutex, NULL);
    admission->peers.size = connections_max;
    admission->peers.item_size = sizeof(struct peer);
    return admission;
}

void admission_free(struct admission *admission)
{
    if (!admission)
        return;
    share_done(&admission->peers);
    pthread_mutex_destroy(&admission->mutex);
    free(admission);
}

static struct admission *admission_of(const struct http_connection *connection)
{
    return connection->loop->server->admission;
}

/* --- addresses --- */

static struct str peer_name(const struct sockaddr_storage *address, char out[PEER_NAME_SIZE])
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    bool is_v6 = address->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    const void *bytes = is_v6                            ? (const void *)&v6->sin6_addr
                        : address->ss_family == AF_INET6 ? v6->sin6_addr.s6_addr + 12
                                                         : (const void *)&v4->sin_addr;
    size_t size = is_v6 ? V6_NETWORK_SIZE : sizeof(v4->sin_addr);
    out[0] = is_v6 ? '6' : '4';
    memcpy(out + 1, bytes, size);
    return (struct str){out, 1 + size};
}

/* --- strangers; all of it under the mutex --- */

static void list_stranger(struct admission *admission, struct http_connection *connection)
{
    list_append(&admission->strangers, &connection->stranger_link);
    list_append(&connection->peer->strangers, &connection->peer_link);
    admission->stranger_count++;
    connection->peer->stranger_count++;
    connection->is_listed = true;
}

static void unlist_stranger(struct admission *admission, struct http_connection *connection)
{
    list_remove(&admission->strangers, &connection->stranger_link);
    list_remove(&connection->peer->strangers, &connection->peer_link);
    admission->stranger_count--;
    connection->peer->stranger_count--;
    connection->is_listed = false;
}

static struct http_connection *longest(struct admission *admission, const struct peer *peer)
{
    return peer ? list_first(&peer->strangers, struct http_connection, peer_link)
                : list_first(&admission->strangers, struct http_connection, stranger_link);
}

/* Its place is free at once; its own loop closes it. */
static void evict(struct admission *admission, struct http_connection *victim)
{
    unlist_stranger(admission, victim);
    share_give(&admission->peers, &victim->peer->key);
    victim->peer = NULL;
    victim->is_evicted = true;
    list_append(&victim->loop->evicted, &victim->stranger_link);
    metrics_count(&metric_connections_evicted, 0, 0);
}

/* Whether there is room for one more of the peer (NULL: its first), after the eviction of
 * *ret_victim if that is not NULL. An address that has more than its equal part gives up one of its
 * own, so that its flood does not cost others theirs. */
static bool has_room(struct admission *admission, const struct peer *peer, bool is_shared,
                     struct http_connection **ret_victim, enum shortage *ret_shortage)
{
    const struct keyed_share *peers = &admission->peers;
    size_t has = peer ? peer->key.has : 0, free = peers->size - peers->taken;
    size_t others = admission->stranger_count - (peer ? peer->stranger_count : 0);
    bool within = is_shared || share_left(has, free + others) > 0;
    *ret_shortage = within ? SHORT_OF_ALL : SHORT_OF_SHARE;
    *ret_victim = NULL;
    if (within && free > 0)
        return true;
    bool gives_own = !within || has * (peers->keys.count + 1) > peers->size;
    if (gives_own && peer)
        *ret_victim = longest(admission, peer);
    if (within && !*ret_victim)
        *ret_victim = longest(admission, NULL);
    return *ret_victim;
}

/* --- what connections do; each on its own loop --- */

bool admission_enter(struct http_connection *connection)
{
    struct admission *admission = admission_of(connection);
    const struct egress *shared = connection->loop->server->config.shared_addresses;
    struct sockaddr_storage address = {0};
    int size = sizeof(address);
    char name_bytes[PEER_NAME_SIZE];
    if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &size) != 0)
        address.ss_family = AF_INET; /* it has gone already */
    struct str name = peer_name(&address, name_bytes);
    bool is_shared = shared && egress_opens(shared, (struct sockaddr *)&address);
    struct http_connection *victim;
    struct server_loop *evicting = NULL;
    enum shortage shortage;
    pthread_mutex_lock(&admission->mutex);
    bool room = has_room(admission, (struct peer *)share_find(&admission->peers, name), is_shared,
                         &victim, &shortage);
    if (room) {
        if (victim) {
            evict(admission, victim);
            evicting = victim->loop; /* which may free the victim once the mutex is unlocked */
        }
        connection->peer = (struct peer *)share_add(&admission->peers, name);
        list_stranger(admission, connection);
    }
    pthread_mutex_unlock(&admission->mutex);
    connection->is_stranger = room;
    connection->over_share = !room && shortage == SHORT_OF_SHARE;
    if (!room)
        metrics_count(&metric_connections_throttled, shortage, 0);
    else if (evicting)
        loop_wake(evicting);
    return room;
}

/* The request of one that was evicted meanwhile is answered still. */
void admission_busy(struct http_connection *connection)
{
    struct admission *admission = admission_of(connection);
    pthread_mutex_lock(&admission->mutex);
    if (connection->is_listed)
        unlist_stranger(admission, connection);
    if (connection->is_evicted) {
        list_remove(&connection->loop->evicted, &connection->stranger_link);
        connection->is_evicted = false;
        connection->ends = true;
    }
    pthread_mutex_unlock(&admission->mutex);
}

void admission_idle(struct http_connection *connection)
{
    struct admission *admission = admission_of(connection);
    pthread_mutex_lock(&admission->mutex);
    if (connection->peer && !connection->is_listed)
        list_stranger(admission, connection);
    pthread_mutex_unlock(&admission->mutex);
}

void admission_leave(struct http_connection *connection)
{
    struct admission *admission = admission_of(connection);
    pthread_mutex_lock(&admission->mutex);
    if (connection->is_listed)
        unlist_stranger(admission, connection);
    if (connection->is_evicted)
        list_remove(&connection->loop->evicted, &connection->stranger_link);
    if (connection->peer)
        share_give(&admission->peers, &connection->peer->key);
    connection->peer = NULL;
    connection->is_evicted = false;
    pthread_mutex_unlock(&admission->mutex);
}

struct http_connection *admission_evicted(struct server_loop *loop)
{
    struct admission *admission = loop->server->admission;
    if (!admission)
        return NULL;
    pthread_mutex_lock(&admission->mutex);
    struct list_link *first = list_take_first(&loop->evicted);
    struct http_connection *connection = list_item(first, struct http_connection, stranger_link);
    if (connection)
        connection->is_evicted = false;
    pthread_mutex_unlock(&admission->mutex);
    return connection;
}
