/* The PostgreSQL driver: where the database is. The URL may name several hosts, of which one is the
 * primary; each try to connect begins with the next one. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MOST_S = 3600 }; /* longer ones count as this */

static const char *const default_connect_timeout = "5"; /* seconds a host */
static const char *const list_names[PG_LIST_COUNT] = {"host", "hostaddr", "port"};

/* The number of items in the list of hosts: libpq tries one after the other. */
static int count_hosts(const struct pg_server *server)
{
    int count = 1;
    const char *hosts =
        server->lists[PG_LIST_HOST] ? server->lists[PG_LIST_HOST] : server->lists[PG_LIST_HOSTADDR];
    for (; hosts && *hosts; hosts++)
        count += *hosts == ',';
    return count;
}

static void keep_lists(struct pg_server *server, const PQconninfoOption *options)
{
    const char *connect_timeout = default_connect_timeout;
    for (; options->keyword; options++) {
        if (options->val && strcmp(options->keyword, "connect_timeout") == 0)
            connect_timeout = options->val;
        for (size_t i = 0; i < PG_LIST_COUNT; i++) {
            if (options->val && !server->lists[i] && strcmp(options->keyword, list_names[i]) == 0)
                server->lists[i] = xstrdup(options->val);
        }
    }
    long connect_s = strtol(connect_timeout, NULL, 10);
    if (connect_s <= 0 || connect_s > CONNECT_MOST_S) /* libpq takes 0 as "for ever" */
        connect_s = CONNECT_MOST_S;
    server->connect_ms = 1000 * (int64_t)connect_s * count_hosts(server);
}

/* In a URL with a password that was not percent-encoded, a part of the password reads as host or
 * port. */
static bool looks_right(const struct pg_server *server)
{
    const char *hosts = server->lists[PG_LIST_HOST], *ports = server->lists[PG_LIST_PORT];
    return server->url[0] != '\0' && (!hosts || !strchr(hosts, '@')) &&
           (!ports || strspn(ports, "0123456789,") == strlen(ports));
}

/* libpq's own message could show a part of a password that was not encoded. */
bool pg_server_check(struct pg_server *server, struct error *error)
{
    char *words = NULL;
    if (!libpq_load())
        return fail(error, ERR_UNAVAILABLE,
                    "A store in PostgreSQL needs its client library libpq.so.5 of version 14 or "
                    "later (Debian's package libpq5).");
    PQconninfoOption *options = libpq.conninfoParse(server->url, &words);
    libpq.freemem(words);
    if (options) {
        keep_lists(server, options);
        libpq.conninfoFree(options);
    }
    if (!options || !looks_right(server))
        return fail(error, ERR_VALIDATION,
                    "invalid value for --store: expected a PostgreSQL connection URL, such as "
                    "postgresql://user@host:5432/database; signs such as : / @ in a password are "
                    "written as %%3A %%2F %%40.");
    return true;
}

/* The same list from its n-th item on, then what stood before. One of a single item is as it was.
 */
static char *rotate(const char *list, unsigned turns)
{
    size_t items = 1;
    for (const char *at = list; *at; at++)
        items += *at == ',';
    const char *start = list;
    for (size_t i = turns % items; i > 0; i--)
        start = strchr(start, ',') + 1;
    size_t size = strlen(list) + 2;
    char *rotated = xmalloc(size);
    if (start == list)
        snprintf(rotated, size, "%s", list);
    else
        snprintf(rotated, size, "%s,%.*s", start, (int)(start - list - 1), list);
    return rotated;
}

/* Parameters before "dbname" are defaults, which the URL may override. */
static void add_all(struct libpq_parameters *parameters, const struct pg_server *server)
{
    libpq_add(parameters, "connect_timeout", default_connect_timeout);
    libpq_add(parameters, "tcp_user_timeout", "15000");
    libpq_add(parameters, "keepalives_idle", "10");
    libpq_add(parameters, "keepalives_interval", "5");
    libpq_add(parameters, "keepalives_count", "3");
    libpq_add(parameters, "target_session_attrs", "primary");
    if (server->password)
        libpq_add(parameters, "password", secret_reveal(server->password).data);
    libpq_add(parameters, "fallback_application_name", "headgate");
    libpq_add(parameters, "dbname", server->url);
    libpq_add(parameters, "client_encoding", "UTF8");
}

struct pg_conn *pg_server_connect(const struct pg_server *server, unsigned tries)
{
    struct libpq_parameters parameters = {0};
    char *lists[PG_LIST_COUNT] = {0};
    add_all(&parameters, server);
    for (size_t i = 0; i < PG_LIST_COUNT; i++) {
        if (!server->lists[i])
            continue;
        lists[i] = rotate(server->lists[i], tries);
        libpq_add(&parameters, list_names[i], lists[i]);
    }
    struct pg_conn *conn = libpq.connectdbParams(parameters.names, parameters.values, 1);
    for (size_t i = 0; i < PG_LIST_COUNT; i++)
        free(lists[i]);
    return conn;
}

void pg_server_stop_by(struct pg_server *server, int64_t mono_ms)
{
    atomic_store(&server->stop_ms, mono_ms);
}

bool pg_server_may_connect(const struct pg_server *server)
{
    int64_t stop_ms = atomic_load(&server->stop_ms);
    return stop_ms == INT64_MAX || clock_mono_ms() + server->connect_ms <= stop_ms;
}
