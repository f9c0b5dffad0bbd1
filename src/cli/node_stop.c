/* Stopping a server, in the other order than it was started. */
#include "cli/node.h"

#include "base/clock.h"
#include "cli/sandbox_function.h"
#include "cli/stop_guard.h"
#include "connector/custom/function_breaker.h"
#include "connector/custom/lambda.h"
#include "vault/keyring_helper.h"

#include <string.h>
#include <unistd.h>

enum {
    ADMIN_STOP_MS = 2 * 1000,
    STOP_GRACE_MS = 4 * 1000, /* after --stop-timeout: to end what was aborted, to close the store,
                               * for which a silent database has half of this time */
};

/* Probes in flight are still answered. */
static void stop_admin(struct node *node)
{
    if (!node->admin)
        return;
    server_stop(node->admin, ADMIN_STOP_MS);
    server_free(node->admin);
}

static void close_sockets(struct node *node)
{
    for (int use = 0; use < MANAGER_USES; use++) {
        for (int i = 0; i < node->sockets[use].count; i++)
            close(node->sockets[use].files[i]);
    }
}

static bool stop_parts(struct node *node, int64_t limit_ms)
{
    int64_t until_ms = clock_mono_ms() + limit_ms;
    atomic_store(&node->health.stopping, true);
    if (node->data.store)
        store_stop_by(node->data.store, until_ms + STOP_GRACE_MS / 2);
    bool whole = !node->server || server_stop(node->server, limit_ms);
    if (node->service)
        whole &= service_stop(node->service, until_ms);
    if (node->client)
        client_stop(node->client); /* requests that still wait for a vendor get an error */
    if (node->processes.courier)
        courier_interrupt(node->processes.courier);
    local_connectors_stop(&node->processes.local);
    forecast_watch_stop(node->forecast_watch);
    stop_admin(node);
    if (node->service)
        service_free(node->service);
    webhook_secrets_free(node->webhook_secrets);
    outbound_done(&node->outbound);
    escrow_free(node->escrow);
    courier_free(node->processes.courier);
    references_free(node->references);
    data_keys_free(node->data_keys);
    lambda_runner_free(node->lambda);
    local_connectors_done(&node->processes.local);
    sandbox_function_free(node->sandbox_function);
    function_breakers_free(node->function_breakers);
    function_sessions_free(node->function_sessions);
    if (node->server)
        server_free(node->server);
    memory_limit_free(node->memory);
    if (node->sandbox)
        sandbox_stop(node->sandbox);
    if (node->shared_addresses)
        egress_free(node->shared_addresses);
    private_routes_free(node->private_routes);
    reference_rules_free(node->reference_rules);
    secret_free(node->aws_secret);
    secret_free(node->aws_session_token);
    keyring_watch_stop(node->keyring_watch);
    keyring_helper_stop();
    data_dir_close(&node->data);
    close_sockets(node);
    token_policies_clear();
    return whole;
}

bool node_stop(struct node *node)
{
    int64_t limit_ms = 1000 * options_number(node->options, "stop-timeout");
    stop_guard_begin(limit_ms + STOP_GRACE_MS);
    bool whole = stop_parts(node, limit_ms);
    stop_guard_end();
    return whole;
}
