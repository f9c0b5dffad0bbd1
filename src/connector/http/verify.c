/* Verification: opens a connection and makes the calls that prove the credentials. A connection
 * that went stale on the way is renewed and the calls are made again, until the vendor accepts or
 * refuses them for good, or no grant is left. */
#include "connector/connector.h"
#include "connector/http/connection.h"
#include "connector/http/consent.h"
#include "connector/http/entity_source.h"
#include "connector/http/internal.h"
#include "connector/http/read_source.h"
#include "connector/http/write_source.h"
#include "wire/json_pointer.h"

/* A refused call may have proved enough. */
static bool suffices(struct vendor_connection *connection, const struct connector_call *call)
{
    struct verdict verdict = vendor_verdict(connection);
    return call->suffices && verdict.status == call->suffices &&
           verdict.kind == VERDICT_FORBIDDEN && vendor_accept(connection, STEP_API);
}

/* Good credentials of another account than the properties name are a mistake of the user's. */
static bool is_of_account(struct vendor_connection *connection, const struct target *target,
                          const struct connector_call *call, const struct vendor_response *response)
{
    const struct endpoint *wanted = &target->http->account;
    struct url named;
    if (!call->account_at)
        return true;
    struct str text = pointer_text(target->arena, response->json, call->account_at);
    return (url_parse(target->arena, text, NULL, &named, NULL) && endpoint_use(wanted, NULL) &&
            str_eq(named.host, wanted->url.host)) ||
           vendor_fail_status(connection, VERDICT_MISCONFIGURED, STEP_API, response->http.status,
                              text,
                              "The credentials are valid, but for another account than the one in "
                              "the properties.");
}

/* Whose tokens they are, for those that the next consent brings. */
static void note_account(struct vendor_connection *connection,
                         const struct vendor_response *response)
{
    const struct connector_oauth2 *oauth2 = connection->auth->oauth2;
    struct str account = STR_NULL;
    if (oauth2 && oauth2->consent)
        account =
            consent_account(connection->arena, response->json, &oauth2->consent->account_in_probes);
    if (account.data)
        connection->tokens.account = account;
}

static void note_end(struct vendor_connection *connection, const struct connector_call *call,
                     const struct vendor_response *response)
{
    const struct connector_end *end = connection->target->connector->http->end;
    if (connection->config->end && end && end->call == call)
        *connection->config->end = vendor_read_end(end, response->json);
}

/* *ret_end: no further call is needed. */
static bool make_call(struct vendor_connection *connection, const struct target *target,
                      const struct connector_call *call, bool *ret_end)
{
    struct vendor_response response;
    bool good = vendor_call(connection, call, &response);
    *ret_end = good && call->conclusive;
    if (good)
        note_account(connection, &response);
    if (good)
        note_end(connection, call, &response);
    return good ? is_of_account(connection, target, call, &response) : suffices(connection, call);
}

static bool probe(struct vendor_connection *connection, const struct target *target)
{
    const struct connector_calls *probes = &target->connector->http->probes;
    struct endpoint api;
    bool end = false;
    if (!vendor_api(connection, &api))
        return false;
    if (api.probe)
        return make_call(connection, target, api.probe, &end);
    for (size_t i = 0; i < probes->count && !end; i++) {
        if (!make_call(connection, target, &probes->rows[i], &end))
            return false;
    }
    return true;
}

static bool http_verify(const struct vendor_connection_config *config, struct verdict *ret_verdict,
                        struct oauth_tokens *ret_tokens)
{
    struct vendor_connection *connection = vendor_connection_new(config);
    bool open = vendor_open(connection);
    while (open && !probe(connection, config->target))
        open = vendor_state(connection) == VENDOR_STALE && vendor_renew(connection);
    vendor_close(connection);
    *ret_verdict = vendor_verdict(connection);
    *ret_tokens = vendor_tokens(connection);
    return ret_verdict->kind == VERDICT_ACCEPTED;
}

const struct connector_ops http_ops = {
    .resolve = http_resolve,
    .choose_auth = http_choose_auth,
    .check = http_check,
    .open = vendor_open,
    .verify = http_verify,
    .ask_end = http_ask_end,
    .list_entities = http_list_entities,
    .describe_entity = http_describe_entity,
    .read = http_read,
    .read_next = http_read_next,
    .read_end = http_read_end,
    .write = http_write,
};
