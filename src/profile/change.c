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

void profile_change_init(struct profile_change *change, struct call *call)
{
    *change = (struct profile_change){.call = call};
    change->token = (struct token_key){
        .account = call->caller.account,
        .region = call->caller.region,
        .operation = call->operation->name,
        .token = value_text(call->input, "clientToken"),
    };
    change->profile.key = (struct profile_key){
        .account = call->caller.account,
        .region = call->caller.region,
        .name = value_text(call->input, "connectorProfileName"),
    };
}

void profile_change_done(struct profile_change *change)
{
    struct service *service = change->call->service;
    journal_done(&change->journal);
    token_release(service->config.store, change->claim);
    provisioner_give_back(change->place);
}

/* A keyed hash of everything that was asked for, so that two requests can be compared while no
 * credential is kept for it. */
static void hash_request(struct profile_change *change)
{
    struct call *call = change->call;
    struct buf canonical = buf_in(call->arena, CANONICAL_REQUEST_MAX);
    for (size_t i = 0; i < call->input->count; i++) {
        if (str_eq(call->input->names[i], STR("clientToken")))
            continue;
        buf_add(&canonical, call->input->names[i]);
        buf_add_char(&canonical, '=');
        value_encode(&canonical, call->input->items[i]);
        buf_add_char(&canonical, '\n');
    }
    struct str parts[] = {STR("request"), call->operation->name, buf_str(&canonical)};
    keyed_hash(call->service->config.service_secret, parts, 3, change->request_hash);
}

bool profile_change_claim(struct profile_change *change, bool *ret_answered)
{
    struct call *call = change->call;
    const struct service_config *config = &call->service->config;
    enum token_state state;
    *ret_answered = false;
    if (!change->token.token.data)
        return true;
    hash_request(change);
    if (!token_claim(config->store, call->arena, &change->token, change->request_hash,
                     config->verify_timeout_ms + TOKEN_WAIT_EXTRA_MS, &state, &change->claim,
                     &call->output, &call->error))
        return false;
    fault_point("change:claimed");
    *ret_answered = state == TOKEN_ANSWERED;
    if (state == TOKEN_CONFLICT)
        return fail(&call->error, ERR_CONFLICT,
                    "The clientToken was used with other parameters in the last 8 hours. Send the "
                    "same parameters, or a new clientToken.");
    if (state == TOKEN_BUSY)
        return fail(&call->error, ERR_CONFLICT,
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
static bool check_roles(struct call *call, const struct value *properties)
{
    static const char *const members[] = {"roleArn", "dataApiRoleArn"};
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        struct str arn = value_text(properties, members[i]);
        if (arn.data && !is_of_account(arn, call->caller.account))
            return fail(&call->error, ERR_VALIDATION,
                        "Validation exception: %s must name a role of the account %.*s.",
                        members[i], STR_ARG(call->caller.account));
    }
    return true;
}

bool profile_change_check(struct profile_change *change)
{
    struct call *call = change->call;
    const struct profile_config *config = &change->config;
    struct str arn = value_text(config->credentials, "clientCredentialsArn");
    if (arn.data && !is_of_account(arn, call->caller.account))
        return fail(&call->error, ERR_VALIDATION,
                    "Please validate the ClientCredentialsArn provided and please make sure "
                    "Appflow has required permissions to access the credentials");
    return check_roles(call, config->properties) &&
           connector_check(change->connector, config->properties, config->credentials, call->arena,
                           &call->error);
}

static bool fail_verdict(struct profile_change *change, const struct verdict *verdict)
{
    struct call *call = change->call;
    struct str sentence = verdict_describe(call->arena, change->connector->type, verdict);
    if (verdict->kind == VERDICT_INTERNAL)
        return fail(&call->error, ERR_INTERNAL, "%.*s", STR_ARG(sentence));
    return fail(&call->error, ERR_CONNECTOR_AUTHENTICATION,
                "Error authenticating to connector: %.*s", STR_ARG(sentence));
}

bool profile_change_read_mode(struct profile_change *change)
{
    struct call *call = change->call;
    change->is_private = str_eq(value_text(call->input, "connectionMode"), STR("Private"));
    if (!change->is_private || change->connector->modes & MODE_PRIVATE)
        return true;
    return fail(&call->error, ERR_VALIDATION,
                "connectionMode Private is not available for connector type %.*s. Use Public.",
                STR_ARG(change->connector->type));
}

/* The row is committed with the credentials as they are, and what was got for them before. */
static bool verify_later(struct profile_change *change)
{
    struct call *call = change->call;
    struct str hosts =
        hosts_of(call->service, change->connector, change->config.properties, call->arena);
    change->tokens = change->stored;
    return provisioner_reserve(call->service->provisioner, hosts, &change->place, &call->error);
}

bool profile_change_verify(struct profile_change *change)
{
    struct call *call = change->call;
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
    bool accepted = profile_verify(call->service, &question, call->arena, &change->journal,
                                   &verdict, &change->tokens);
    call_stage_end(call, STAGE_VERIFY);
    fault_point("change:verified");
    return accepted || fail_verdict(change, &verdict);
}

void profile_change_set_mode(struct profile_change *change)
{
    struct profile *profile = &change->profile;
    profile->connection_mode = value_text(change->call->input, "connectionMode");
    profile->provisioning = (struct provisioning){0};
    if (change->is_private)
        profile->provisioning.status = PROVISIONING_PENDING;
}

static bool apply_change(struct db *db, void *argument, struct error *error)
{
    struct profile_change *change = argument;
    struct call *call = change->call;
    const struct profile *profile = &change->profile;
    bool stored = change->expected_version == 0
                      ? profile_insert(db, profile, call->service->config.profile_quota, error)
                      : profile_replace(db, profile, change->expected_version, error);
    if (!stored || !journal_consume(db, &change->journal, error))
        return false;
    if (change->claim && !token_answer(db, &change->token, change->request_hash, call->output,
                                       clock_wall_ms(), error))
        return false;
    struct audit_entry entry = call_audit_entry(call, "ok", STR(""));
    entry.version = profile->version;
    return audit_add(db, &entry, error);
}

static struct str answer_of(struct call *call, const struct profile *profile)
{
    struct buf answer = buf_in(call->arena, ANSWER_MAX);
    struct value *body = value_structure(call->arena);
    value_put_text(call->arena, body, "connectorProfileArn",
                   profile_arn(call->arena, &profile->key));
    value_encode(&answer, body);
    return buf_str(&answer);
}

bool profile_change_answered_meanwhile(struct profile_change *change)
{
    struct call *call = change->call;
    struct store *store = call->service->config.store;
    enum token_state state = TOKEN_CLAIMED;
    struct error ignored;
    if (!change->claim || !store_is_remote(store) ||
        !token_look_up(store, call->arena, &change->token, change->request_hash, &state,
                       &call->output, &ignored) ||
        state != TOKEN_ANSWERED)
        return false;
    call->error = (struct error){0};
    return true;
}

bool profile_change_commit(struct profile_change *change)
{
    struct call *call = change->call;
    if (!profile_seal(call->service, &change->profile, change->config.credentials, &change->tokens,
                      call->arena, &change->profile.sealed_credentials, &call->error))
        return false;
    call_stage_end(call, STAGE_SEAL);
    call->output = answer_of(call, &change->profile);
    fault_point("change:sealed");
    if (!store_apply(call->service->config.store, apply_change, change, false, &call->error))
        return false;
    call_stage_end(call, STAGE_COMMIT);
    fault_point("change:committed");
    if (change->place)
        provisioner_post(change->place, &change->profile);
    change->place = NULL; /* it is the provisioner's now */
    return true;
}
