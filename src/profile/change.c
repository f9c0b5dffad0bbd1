/* Claim, verify, seal, commit: the spine of a change. */
#include "profile/change.h"

#include "api/call_hosts.h"
#include "base/clock.h"
#include "base/fault.h"
#include "profile/arn.h"
#include "profile/provisioning_state.h"
#include "profile/seal.h"
#include "vault/seal.h"

enum {
    CANONICAL_REQUEST_MAX = 1024 * 1024,
    ANSWER_MAX = 4096,
    TOKEN_WAIT_EXTRA_MS =
        5000, /* for whoever holds the token to commit after its vendor answered */
};

void profile_change_init(struct profile_change *change, struct api_request *request)
{
    *change = (struct profile_change){.request = request};
    change->token = (struct client_token){
        .account = request->caller.account,
        .region = request->caller.region,
        .operation = request->operation->name,
        .token = value_text(request->input, "clientToken"),
    };
    change->profile.key = (struct profile_key){
        .account = request->caller.account,
        .region = request->caller.region,
        .name = value_text(request->input, "connectorProfileName"),
    };
}

void profile_change_done(struct profile_change *change)
{
    struct service *service = change->request->service;
    grant_journal_done(&change->journal);
    client_token_release(service->config.store, change->claim);
    private_slot_release(change->private_slot);
}

/* A keyed hash of everything that was asked for, so that two requests can be compared while no
 * credential is kept for it. */
static void hash_request(struct profile_change *change)
{
    struct api_request *request = change->request;
    struct buf canonical = buf_in(request->arena, CANONICAL_REQUEST_MAX);
    for (size_t i = 0; i < request->input->count; i++) {
        if (str_eq(request->input->names[i], STR("clientToken")))
            continue;
        buf_add(&canonical, request->input->names[i]);
        buf_add_char(&canonical, '=');
        value_encode(&canonical, request->input->items[i]);
        buf_add_char(&canonical, '\n');
    }
    struct str parts[] = {STR("request"), request->operation->name, buf_str(&canonical)};
    keyed_hash(request->service->config.service_secret, parts, 3, change->request_hash);
}

bool profile_change_claim(struct profile_change *change, bool *ret_answered)
{
    struct api_request *request = change->request;
    const struct service_config *config = &request->service->config;
    enum client_token_state state;
    *ret_answered = false;
    if (!change->token.token.data)
        return true;
    hash_request(change);
    if (!client_token_claim(config->store, request->arena, &change->token, change->request_hash,
                            config->verify_timeout_ms + TOKEN_WAIT_EXTRA_MS, &state, &change->claim,
                            &request->output, &request->error))
        return false;
    fault_point("change:claimed");
    *ret_answered = state == CLIENT_TOKEN_ANSWERED;
    if (state == CLIENT_TOKEN_CONFLICT)
        return fail(&request->error, ERR_CONFLICT,
                    "The clientToken was used with other parameters in the last 8 hours. Send the "
                    "same parameters, or a new clientToken.");
    if (state == CLIENT_TOKEN_BUSY)
        return fail(&request->error, ERR_CONFLICT,
                    "Another request with this clientToken is still being worked on. Send it again "
                    "with the same clientToken.");
    return true;
}

/* arn:aws:SERVICE:REGION:ACCOUNT:… */
static bool is_of_account(struct str arn, struct str account)
{
    struct str field = STR_NULL, rest = arn;
    for (int i = 0; i < 5; i++) {
        if (!str_cut(rest, ':', &field, &rest))
            return false;
    }
    return str_eq(field, account);
}

/* The server takes on roles and reads secrets with rights of its own, which reach further than the
 * caller's: what he names must be his account's. */
static bool check_roles(struct api_request *request, const struct value *properties)
{
    static const char *const members[] = {"roleArn", "dataApiRoleArn"};
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        struct str arn = value_text(properties, members[i]);
        if (arn.data && !is_of_account(arn, request->caller.account))
            return fail(&request->error, ERR_VALIDATION,
                        "Validation exception: %s must name a role of the account %.*s.",
                        members[i], STR_ARG(request->caller.account));
    }
    return true;
}

bool profile_change_check(struct profile_change *change)
{
    struct api_request *request = change->request;
    const struct profile_config *config = &change->config;
    struct str arn = value_text(config->credentials, "clientCredentialsArn");
    if (arn.data && !is_of_account(arn, request->caller.account))
        return fail(&request->error, ERR_VALIDATION,
                    "Please validate the ClientCredentialsArn provided and please make sure "
                    "Appflow has required permissions to access the credentials");
    return check_roles(request, config->properties) &&
           connector_check(change->connector, config->properties, config->credentials,
                           request->arena, &request->error);
}

static bool fail_verdict(struct profile_change *change, const struct verdict *verdict)
{
    struct api_request *request = change->request;
    struct str sentence = verdict_describe(request->arena, change->connector->type, verdict);
    if (verdict->kind == VERDICT_INTERNAL)
        return fail(&request->error, ERR_INTERNAL, "%.*s", STR_ARG(sentence));
    return fail(&request->error, ERR_CONNECTOR_AUTHENTICATION,
                "Error authenticating to connector: %.*s", STR_ARG(sentence));
}

bool profile_change_read_mode(struct profile_change *change)
{
    struct api_request *request = change->request;
    change->is_private = str_eq(value_text(request->input, "connectionMode"), STR("Private"));
    if (!change->is_private || change->connector->modes & MODE_PRIVATE)
        return true;
    return fail(&request->error, ERR_VALIDATION,
                "connectionMode Private is not available for connector type %.*s. Use Public.",
                STR_ARG(change->connector->type));
}

/* The row is committed with the credentials as they are, and what was got for them before. */
static bool verify_later(struct profile_change *change)
{
    struct api_request *request = change->request;
    struct str hosts =
        hosts_of(request->service, change->connector, change->config.properties, request->arena);
    change->tokens = change->stored;
    return private_slot_reserve(request->service->private_queue, hosts, &change->private_slot,
                                &request->error);
}

bool profile_change_verify(struct profile_change *change)
{
    struct api_request *request = change->request;
    struct verdict verdict;
    struct profile_question question = {
        .connector = change->connector,
        .key = change->profile.key,
        .properties = change->config.properties,
        .credentials = change->config.credentials,
        .stored = change->has_stored ? &change->stored : NULL,
    };
    if (change->is_private)
        return verify_later(change);
    bool accepted = profile_verify(request->service, &question, request->arena, &change->journal,
                                   &verdict, &change->tokens);
    request_stage_end(request, STAGE_VERIFY);
    fault_point("change:verified");
    return accepted || fail_verdict(change, &verdict);
}

void profile_change_set_mode(struct profile_change *change)
{
    struct profile *profile = &change->profile;
    profile->connection_mode = value_text(change->request->input, "connectionMode");
    profile->provisioning = (struct provisioning){0};
    if (change->is_private)
        profile->provisioning.status = PROVISIONING_PENDING;
}

static bool apply_change(struct db *db, void *argument, struct error *error)
{
    struct profile_change *change = argument;
    struct api_request *request = change->request;
    const struct profile *profile = &change->profile;
    bool stored = change->expected_version == 0
                      ? profile_insert(db, profile, request->service->config.profile_quota, error)
                      : profile_replace(db, profile, change->expected_version, error);
    if (!stored || !grant_journal_consume(db, &change->journal, error))
        return false;
    if (change->claim && !client_token_answer(db, &change->token, change->request_hash,
                                              request->output, clock_wall_ms(), error))
        return false;
    struct audit_entry entry = request_audit_entry(request, "ok", STR(""));
    entry.version = profile->version;
    return audit_add(db, &entry, error);
}

static struct str answer_of(struct api_request *request, const struct profile *profile)
{
    struct buf answer = buf_in(request->arena, ANSWER_MAX);
    struct value *body = value_structure(request->arena);
    value_put_text(request->arena, body, "connectorProfileArn",
                   profile_arn(request->arena, &profile->key));
    value_encode(&answer, body);
    return buf_str(&answer);
}

bool profile_change_answered_meanwhile(struct profile_change *change)
{
    struct api_request *request = change->request;
    struct store *store = request->service->config.store;
    enum client_token_state state = CLIENT_TOKEN_CLAIMED;
    struct error ignored;
    if (!change->claim || !store_is_remote(store) ||
        !client_token_look_up(store, request->arena, &change->token, change->request_hash, &state,
                              &request->output, &ignored) ||
        state != CLIENT_TOKEN_ANSWERED)
        return false;
    request->error = (struct error){0};
    return true;
}

bool profile_change_commit(struct profile_change *change)
{
    struct api_request *request = change->request;
    if (!profile_seal(request->service, &change->profile, change->config.credentials,
                      &change->tokens, request->arena, &change->profile.sealed_credentials,
                      &request->error))
        return false;
    request_stage_end(request, STAGE_SEAL);
    request->output = answer_of(request, &change->profile);
    fault_point("change:sealed");
    if (!store_apply(request->service->config.store, apply_change, change, false, &request->error))
        return false;
    request_stage_end(request, STAGE_COMMIT);
    fault_point("change:committed");
    if (change->private_slot)
        private_queue_post(change->private_slot, &change->profile);
    change->private_slot = NULL; /* it belongs to the queue now */
    return true;
}
