/* The server as a whole: starts its loops on one port, stops them within a time limit. */
#include "net/server/server.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "net/server/internal.h"

#include <stdlib.h>

/* What a configuration's zeros stand for. */
enum {
    CONNECTIONS_MAX = 10240,
    HEAD_TIMEOUT_MS = 10 * 1000,
    BODY_TIMEOUT_MS = 30 * 1000,
    IDLE_TIMEOUT_MS = 75 * 1000,
    FIRST_TIMEOUT_MS = 5 * 1000,
    MEMORY_MAX = 256 * 1024 * 1024,
    WRITE_TIMEOUT_MS = 30 * 1000,
};

static char *copy_or_null(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static void defaults(struct server_config *config)
{
    if (config->loops <= 0)
        config->loops = (int)uv_available_parallelism();
    if (config->loops < config->inherited_count)
        config->loops = config->inherited_count;
    if (config->loops > LOOPS_MAX)
        config->loops = LOOPS_MAX;
    if (config->body_max == 0)
        config->body_max = HTTP_BODY_MAX;
    if (config->connections_max == 0)
        config->connections_max = CONNECTIONS_MAX;
    if (config->head_timeout_ms <= 0)
        config->head_timeout_ms = HEAD_TIMEOUT_MS;
    if (config->body_timeout_ms <= 0)
        config->body_timeout_ms = BODY_TIMEOUT_MS;
    if (config->idle_timeout_ms <= 0)
        config->idle_timeout_ms = IDLE_TIMEOUT_MS;
    if (config->first_timeout_ms <= 0)
        config->first_timeout_ms = FIRST_TIMEOUT_MS;
    if (config->write_timeout_ms <= 0)
        config->write_timeout_ms = WRITE_TIMEOUT_MS;
}

static struct server *server_new(const struct server_config *config)
{
    struct server *server = xcalloc(1, sizeof(*server));
    cond_init_timed(&server->changed);
    pthread_mutex_init(&server->mutex, NULL);
    server->config = *config;
    server->config.host = xstrdup(config->host ? config->host : "");
    server->config.tls_cert_path = copy_or_null(config->tls_cert_path);
    server->config.tls_key_path = copy_or_null(config->tls_key_path);
    defaults(&server->config);
    server->own_memory = !config->memory;
    server->memory = config->memory ? config->memory : memory_limit_new(MEMORY_MAX);
    if (config->shares_connections)
        server->admission = admission_new(server->config.connections_max);
    server->loops = xcalloc((size_t)server->config.loops, sizeof(struct server_loop *));
    return server;
}

/* The first socket finds the port, the others share it. */
static bool listen_for_loop(struct server *server, int index, int *ret_listener,
                            struct error *error)
{
    int port = index == 0 ? server->config.port : server->port;
    enum listen_share share = server->config.loops == 1 ? LISTEN_ALONE
                              : index == 0              ? LISTEN_SHARED_FIRST
                                                        : LISTEN_SHARED;
    return listen_open(server->config.host, port, share, ret_listener, &server->port, error);
}

static bool adopt_for_loop(struct server *server, int index, int *ret_listener, struct error *error)
{
    const struct server_config *config = &server->config;
    char *host;
    if (!listen_adopt(config->inherited[index % config->inherited_count], ret_listener,
                      &server->port, &host, error))
        return false;
    free((char *)config->host);
    server->config.host = host;
    return true;
}

static bool open_loop(struct server *server, int index, struct error *error)
{
    int listener;
    bool opened = server->config.inherited_count > 0
                      ? adopt_for_loop(server, index, &listener, error)
                      : listen_for_loop(server, index, &listener, error);
    if (!opened)
        return false;
    server->loop_count++;
    return loop_new(server, index, listener, &server->loops[index], error);
}

static bool open_and_start(struct server *server, struct error *error)
{
    if (!tls_open(server, error))
        return false;
    for (int i = 0; i < server->config.loops; i++) {
        if (!open_loop(server, i, error))
            return false;
    }
    for (int i = 0; i < server->loop_count; i++) {
        if (!loop_start(server->loops[i], error))
            return false;
    }
    return true;
}

bool server_start(const struct server_config *config, struct server **ret_server,
                  struct error *error)
{
    struct server *server = server_new(config);
    if (!open_and_start(server, error)) {
        server_free(server);
        return false;
    }
    *ret_server = server;
    return true;
}

int server_port(const struct server *server)
{
    return server->port;
}

const char *server_host(const struct server *server)
{
    return server->config.host;
}

struct server_counts server_counts(const struct server *server)
{
    return (struct server_counts){
        .connections_open = atomic_load(&server->connection_count),
        .large_bytes = atomic_load(&server->large_bytes),
        .refused = atomic_load(&server->refused_count),
    };
}

static void order_all(struct server *server, enum loop_order order)
{
    for (int i = 0; i < server->loop_count; i++) {
        if (server->loops[i] && server->loops[i]->started)
            loop_give_order(server->loops[i], order);
    }
}

static int started_count(const struct server *server)
{
    int count = 0;
    for (int i = 0; i < server->loop_count; i++)
        count += server->loops[i] && server->loops[i]->started;
    return count;
}

/* Waits until `*counter` is the number of loops, or the time is over. */
static bool wait_for_loops(struct server *server, const int *counter, int64_t limit_ms)
{
    int64_t until_ms = clock_mono_ms() + limit_ms;
    int wanted = started_count(server);
    bool in_time = true;
    pthread_mutex_lock(&server->mutex);
    while (*counter < wanted && in_time)
        in_time = cond_wait_until(&server->changed, &server->mutex, until_ms);
    bool all = *counter >= wanted;
    pthread_mutex_unlock(&server->mutex);
    return all;
}

bool server_stop(struct server *server, int64_t limit_ms)
{
    atomic_store(&server->stopping, true);
    order_all(server, ORDER_STOP);
    if (wait_for_loops(server, &server->ended, limit_ms))
        return true;
    order_all(server, ORDER_CUT);
    wait_for_loops(server, &server->settled, STOP_CUT_MS);
    return false;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    if (!atomic_load(&server->stopping))
        server_stop(server, 0);
    for (int i = 0; i < server->loop_count; i++)
        loop_free(server->loops[i]);
    SSL_CTX_free(server->tls);
    if (server->own_memory)
        memory_limit_free(server->memory);
    admission_free(server->admission);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->mutex);
    free((char *)server->config.host);
    free((char *)server->config.tls_cert_path);
    free((char *)server->config.tls_key_path);
    free(server->loops);
    free(server);
}
