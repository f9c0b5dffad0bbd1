/* Starts the sandbox's two listeners and hands each request to the vendor whose host it names. */
#include "sandbox/sandbox.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "net/server/server.h"
#include "sandbox/answer.h"
#include "sandbox/ca.h"
#include "sandbox/catalog.h"
#include "sandbox/glue/glue.h"
#include "sandbox/postgres/postgres.h"
#include "sandbox/records/loaded.h"
#include "sandbox/records/written.h"
#include "sandbox/s3/s3.h"
#include "sandbox/signers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { STOP_LIMIT_MS = 500, CONNECTIONS_MAX = 2048 };

struct sandbox {
    const struct catalog *catalog;
    struct memory *memory;
    struct written_store *written;
    struct loaded *loaded;
    struct ca *ca;
    struct server *plain;
    struct server *tls;
    struct database *database;
    struct signers *signers;    /* of requests to its AWS */
    struct s3_storage *storage; /* NULL: there is no S3 */
    struct glue_catalog *glue;  /* NULL: there is no data catalog */
    const struct str *hosts;    /* all patterns, for who asks for another */
    size_t host_count;
    struct arena arena;
    atomic_size_t request_counts[CATALOG_VENDORS_MAX];
};

static void handle(void *context, struct http_exchange *exchange)
{
    struct sandbox *sandbox = context;
    struct sandbox_request request;
    size_t index;
    request_init(&request, &exchange->head, exchange->body, exchange->over_tls, &exchange->arena);
    if (sandbox->glue && glue_catalog_takes(&request)) {
        glue_catalog_answer(sandbox->glue, &request, exchange);
        return;
    }
    if (sandbox->storage && s3_storage_takes(request.host)) {
        s3_storage_answer(sandbox->storage, &request, exchange);
        return;
    }
    const struct vendor *vendor = catalog_find(sandbox->catalog, request.host, &index);
    if (!vendor) {
        answer_unknown_host(&request, exchange, sandbox->hosts, sandbox->host_count);
        return;
    }
    atomic_fetch_add_explicit(&sandbox->request_counts[index], 1, memory_order_relaxed);
    struct play play = {
        .vendor = vendor,
        .request = &request,
        .memory = sandbox->memory,
        .written = sandbox->written,
        .loaded = sandbox->loaded,
        .now_ms = clock_wall_ms(),
    };
    answer_send(&play, play_choose(&play), exchange);
}

static void list_hosts(struct sandbox *sandbox)
{
    const struct catalog *catalog = sandbox->catalog;
    size_t count = 0;
    for (size_t i = 0; i < catalog->count; i++)
        count += catalog->vendors[i]->host_count;
    struct str *hosts = arena_array(&sandbox->arena, struct str, count);
    for (size_t i = 0; i < catalog->count; i++)
        for (size_t k = 0; k < catalog->vendors[i]->host_count; k++)
            hosts[sandbox->host_count++] = catalog->vendors[i]->hosts[k];
    sandbox->hosts = hosts;
}

/* One loop each: what is asked of a sandbox, one thread answers, and what arrives at the same time
 * has an order. */
static bool listen_both(struct sandbox *sandbox, const struct sandbox_config *config,
                        struct error *error)
{
    struct server_config plain = {
        .host = config->host,
        .port = config->http_port,
        .loops = 1,
        .handler = handle,
        .handler_context = sandbox,
        .connections_max = CONNECTIONS_MAX,
        .body_max = sandbox->storage ? S3_BODY_MAX : 0,
    };
    struct server_config tls = plain;
    tls.port = config->tls_port;
    tls.tls_context_for = ca_context_for;
    tls.tls_context_for_context = sandbox->ca;
    return server_start(&plain, &sandbox->plain, error) && server_start(&tls, &sandbox->tls, error);
}

static bool load_written(struct sandbox *sandbox, struct error *error)
{
    const struct catalog *catalog = sandbox->catalog;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct vendor *vendor = catalog->vendors[i];
        if (vendor->records &&
            !written_load(sandbox->written, vendor->name, vendor->records, error))
            return false;
    }
    return true;
}

static const char *kept(struct sandbox *sandbox, const char *path)
{
    return path ? arena_cstr(&sandbox->arena, str_from(path)) : NULL;
}

bool sandbox_start(const struct sandbox_config *config, struct sandbox **ret_sandbox,
                   struct error *error)
{
    struct sandbox *sandbox = xcalloc(1, sizeof(*sandbox));
    sandbox->catalog = catalog_builtin(error);
    bool ok = sandbox->catalog && ca_open(config->ca_dir, &sandbox->ca, error);
    if (ok) {
        sandbox->memory = memory_new(MEMORY_MAX);
        sandbox->written = written_store_new(config->records_dir);
        sandbox->loaded =
            loaded_new(kept(sandbox, config->records_dir), kept(sandbox, config->s3_dir));
        sandbox->signers = signers_new();
        if (config->s3_dir)
            sandbox->storage = s3_storage_new(kept(sandbox, config->s3_dir), sandbox->signers);
        if (config->glue_dir)
            sandbox->glue = glue_catalog_new(kept(sandbox, config->glue_dir), sandbox->signers);
        list_hosts(sandbox);
        ok = load_written(sandbox, error) && listen_both(sandbox, config, error) &&
             database_start(config->host, config->database_port, sandbox->ca, sandbox->memory,
                            sandbox->loaded, &sandbox->database, error);
    }
    if (ok)
        *ret_sandbox = sandbox;
    else
        sandbox_stop(sandbox);
    return ok;
}

/* Slow answers on their way are cut off: who asked for one does not want to wait at the end. */
static void stop_server(struct server *server)
{
    if (!server)
        return;
    server_stop(server, STOP_LIMIT_MS);
    server_free(server);
}

void sandbox_stop(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    stop_server(sandbox->plain);
    stop_server(sandbox->tls);
    database_stop(sandbox->database);
    s3_storage_free(sandbox->storage);
    glue_catalog_free(sandbox->glue);
    signers_free(sandbox->signers);
    ca_free(sandbox->ca);
    memory_free(sandbox->memory);
    written_store_free(sandbox->written);
    loaded_free(sandbox->loaded);
    arena_done(&sandbox->arena);
    free(sandbox);
}

int sandbox_http_port(const struct sandbox *sandbox)
{
    return server_port(sandbox->plain);
}

void sandbox_browser_url(const struct sandbox *sandbox, char *out, size_t size)
{
    snprintf(out, size, "http://127.0.0.1:%d" SANDBOX_AT, sandbox_http_port(sandbox));
}

int sandbox_tls_port(const struct sandbox *sandbox)
{
    return server_port(sandbox->tls);
}

int sandbox_database_port(const struct sandbox *sandbox)
{
    return database_port(sandbox->database);
}

struct str sandbox_ca_pem(const struct sandbox *sandbox)
{
    return ca_pem(sandbox->ca);
}

size_t sandbox_request_count(const struct sandbox *sandbox, struct str connector_type)
{
    size_t index;
    if (!catalog_by_name(sandbox->catalog, connector_type, &index))
        return 0;
    return atomic_load_explicit(&sandbox->request_counts[index], memory_order_relaxed);
}
