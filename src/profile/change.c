/* Claim, verify, seal, commit: the spine of a change. */
#include "profile/change.h"

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
        5000, /* for the request that holds the token to commit after its vendor answered */
};

void profile_change_init(struct profile_change *change,
                         const struct profile_change_request *request)
{
    struct str account = request->audit.account, region = request->audit.region;
    *change = (struct profile_change){
        .context = request->context,
        .arena = request->arena,
        .input = request->input,
        .resolved = request->target,
        .audit = request->audit,
        .stage_ns = request->stage_ns,
        .error = request->error,
    };
    change->token = (struct client_token){
        .account = account,
        .region = region,
        .operation = request->operation,
        .token = value_text(request->input, "clientToken"),
    };
    change->profile.key = (struct profile_key){
        .account = account,
        .region = region,
        .name = value_text(request->input, "connectorProfileName"),
    };
}

void profile_change_done(struct profile_change *change)
{
    grant_journal_done(&change->journal);
    client_token_release(change->context->store, change->claim);
    job_slot_release(change->private_slot);
}

/* A keyed hash of everything that was asked for, so that two requests can be compared while no
 * credential is kept for it. */
static void hash_request(struct profile_change *change)
{
    struct buf canonical = buf_in(change->arena, CANONICAL_REQUEST_MAX);
    for (size_t i = 0; i < change->input->count; i++) {
        if (str_eq(change->input->names[i], STR("clientToken")))
            continue;
        buf_add(&canonical, change->input->names[i]);
        buf_add_char(&canonical, '=');
        value_encode(&canonical, change->input->items[i]);
        buf_add_char(&canonical, '\n');
    }
    struct str parts[] = {STR("request"), change->token.operation, buf_str(&canonical)};
    keyed_hash(change->context->service_secret, parts, 3, change->request_hash);
}

bool profile_change_claim(struct profile_change *change, bool *ret_answered)
{
    const struct profile_context *config = change->context;
    enum client_token_state state;
    *ret_answered = false;
    if (!change->token.token.data)
        return true;
    hash_request(change);
    if (!client_token_claim(config->store, change->arena, &change->token, change->request_hash,
                            config->verify_timeout_ms + TOKEN_WAIT_EXTRA_MS, &state, &change->claim,
                            &change->output, change->error))
        return false;
    fault_point("change:claimed");
    *ret_answered = state == CLIENT_TOKEN_ANSWERED;
    if (state == CLIENT_TOKEN_CONFLICT)
        return fail(change->error, ERR_CONFLICT,
                    "The clientToken was used with other parameters in the last 8 hours. Send the "
                    "same parameters, or a new clientToken.");
    if (state == CLIENT_TOKEN_BUSY)
        return fail(change->error, ERR_CONFLICT,
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

/* The server assumes roles and reads secrets with rights of its own, which reach further than the
 * caller's: a role or secret must be of the caller's account. */
static bool check_roles(struct profile_change *change, const struct value *properties)
{
    static const char *const members[] = {"roleArn", "dataApiRoleArn"};
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        struct str arn = value_text(properties, members[i]);
        if (arn.data && !is_of_account(arn, change->profile.key.account))
            return fail(change->error, ERR_VALIDATION,
                        "Validation exception: %s must name a role of the account %.*s.",
                        members[i], STR_ARG(change->profile.key.account));
    }
    return true;
}

/* The target was resolved before, to find the hosts that share the workers, unless the request
 * means another connector than its configuration says. */
static void resolve(struct profile_change *change)
{
    const struct target *resolved = change->resolved;
    const struct value *properties = change->config.properties;
    bool known = resolved && resolved->connector == change->connector &&
                 (resolved->properties == properties ||
                  (resolved->properties->count == 0 && properties->count == 0));
    if (known)
        change->target = *resolved;
    else
        target_resolve(
            &change->target,
            &(struct target_source){
                .connector = change->connector,
                .env = change->context->connectors,
                .properties = properties,
                .private_routes = change->is_private ? change->context->private_routes : NULL,
            },
            change->arena);
}

bool profile_change_check(struct profile_change *change)
{
    const struct profile_config *config = &change->config;
    struct str arn = value_text(config->credentials, "clientCredentialsArn");
    if (arn.data && !is_of_account(arn, change->profile.key.account))
        return fail(change->error, ERR_VALIDATION,
                    "Please validate the ClientCredentialsArn provided and please make sure "
                    "Appflow has required permissions to access the credentials");
    resolve(change);
    if (config->credentials)
        target_set_credentials(&change->target, config->credentials);
    return check_roles(change, config->properties) &&
           change->connector->ops->check(&change->target, change->error);
}

static bool fail_verdict(struct profile_change *change, const struct verdict *verdict)
{
    struct str sentence = verdict_describe(change->arena, change->connector->type, verdict);
    if (verdict->kind == VERDICT_INTERNAL)
        return fail(change->error, ERR_INTERNAL, "%.*s", STR_ARG(sentence));
    return fail(change->error, ERR_CONNECTOR_AUTHENTICATION,
                "Error authenticating to connector: %.*s", STR_ARG(sentence));
}

bool profile_change_read_mode(struct profile_change *change)
{
    change->is_private = str_eq(value_text(change->input, "connectionMode"), STR("Private"));
    if (!change->is_private || change->connector->modes & MODE_PRIVATE)
        return true;
    return fail(change->error, ERR_VALIDATION,
                "connectionMode Private is not available for connector type %.*s. Use Public.",
                STR_ARG(change->connector->type));
}

/* The row is committed with the credentials as they are, and what was got for them before. */
static bool verify_later(struct profile_change *change)
{
    change->tokens = change->stored.tokens;
    return private_connection_reserve(change->context, target_hosts(&change->target),
                                      &change->private_slot, change->error);
}

bool profile_change_verify(struct profile_change *change)
{
    struct verdict verdict;
    struct profile_question question = {
        .key = change->profile.key,
        .target = &change->target,
        .stored = change->has_stored ? &change->stored.tokens : NULL,
    };
    if (change->is_private)
        return verify_later(change);
    bool accepted = profile_verify(change->context, &question, change->arena, &change->journal,
                                   &verdict, &change->tokens);
    trace_stage_end(change->stage_ns, STAGE_VERIFY);
    fault_point("change:verified");
    return accepted || fail_verdict(change, &verdict);
}

void profile_change_set_mode(struct profile_change *change)
{
    struct profile *profile = &change->profile;
    profile->connection_mode = value_text(change->input, "connectionMode");
    profile->provisioning = (struct provisioning){0};
    if (change->is_private)
        profile->provisioning.status = PROVISIONING_PENDING;
}

static bool apply_change(struct db *db, void *argument, struct error *error)
{
    struct profile_change *change = argument;
    const struct profile *profile = &change->profile;
    bool stored = change->expected_version == 0
                      ? profile_insert(db, profile, change->context->profile_quota, error)
                      : profile_replace(db, profile, change->expected_version, error);
    if (!stored || !grant_journal_consume(db, &change->journal, error))
        return false;
    if (!profile_tokens_apply(db, &profile->key, &change->tokens_change, error))
        return false;
    if (change->private_slot && !job_slot_insert(db, change->private_slot, error))
        return false;
    if (change->claim && !client_token_answer(db, &change->token, change->request_hash,
                                              change->output, clock_wall_ms(), error))
        return false;
    struct audit_entry entry = change->audit;
    entry.at_ms = clock_wall_ms();
    entry.outcome = STR("ok");
    entry.detail = STR("");
    entry.version = profile->version;
    return audit_add(db, &entry, error);
}

static struct str answer_of(struct arena *arena, const struct profile *profile)
{
    struct buf answer = buf_in(arena, ANSWER_MAX);
    struct value *body = value_structure(arena);
    value_put_text(arena, body, "connectorProfileArn", profile_arn(arena, &profile->key));
    value_encode(&answer, body);
    return buf_str(&answer);
}

bool profile_change_answered_meanwhile(struct profile_change *change)
{
    struct store *store = change->context->store;
    enum client_token_state state = CLIENT_TOKEN_CLAIMED;
    struct error ignored;
    if (!change->claim || !store_is_remote(store) ||
        !client_token_look_up(store, change->arena, &change->token, change->request_hash, &state,
                              &change->output, &ignored) ||
        state != CLIENT_TOKEN_ANSWERED)
        return false;
    *change->error = (struct error){0};
    return true;
}

/* Credentials that are the stored ones keep their version, so that tokens which another request got
 * for them meanwhile stay good. */
static bool seal(struct profile_change *change)
{
    struct profile *profile = &change->profile;
    if (!change->has_stored)
        profile->credentials_version = profile->version;
    return profile_seal(change->context->keyring, profile, change->config.credentials,
                        change->arena, &profile->sealed_credentials, change->error) &&
           profile_tokens_plan(change->context,
                               &(struct profile_tokens_question){
                                   .profile = profile,
                                   .before = change->has_stored ? &change->stored : NULL,
                                   .tokens = &change->tokens,
                               },
                               change->arena, &change->tokens_change, change->error);
}

bool profile_change_commit(struct profile_change *change)
{
    if (!seal(change))
        return false;
    trace_stage_end(change->stage_ns, STAGE_SEAL);
    change->output = answer_of(change->arena, &change->profile);
    if (change->private_slot)
        private_connection_set(change->private_slot, &change->profile, change->arena);
    fault_point("change:sealed");
    if (!store_apply(change->context->store, apply_change, change, false, change->error))
        return false;
    trace_stage_end(change->stage_ns, STAGE_COMMIT);
    fault_point("change:committed");
    if (change->private_slot)
        job_post(change->private_slot);
    change->private_slot = NULL; /* it belongs to the runner now */
    return true;
}
