/* Claim, verify, seal, commit: the spine of a change. */
#include "profile/change.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "profile/arn.h"
#include "profile/consent_terms.h"
#include "profile/provisioning_state.h"
#include "profile/seal.h"
#include "profile/secret_mirror.h"
#include "store/connectors.h"
#include "store/credential_ends.h"
#include "wire/errors.h"

enum {
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
        .operation = request->operation,
        .is_dry_run = request->is_dry_run,
        .consent = request->consent,
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
    token_claim_release(&change->claim);
    job_slot_release(change->private_slot);
}

struct token_claim_request profile_change_claim_request(const struct profile_change *change)
{
    return (struct token_claim_request){
        .context = change->context,
        .arena = change->arena,
        .input = change->input,
        .account = change->profile.key.account,
        .region = change->profile.key.region,
        .operation = change->operation,
        .wait_ms = change->context->verify_timeout_ms +
                   profile_credentials_time_ms(change->context) + TOKEN_WAIT_EXTRA_MS,
    };
}

bool profile_change_claim(struct profile_change *change, bool *ret_answered)
{
    const struct token_claim_request request = profile_change_claim_request(change);
    return token_claim_take(&request, &change->claim, ret_answered, &change->output, change->error);
}

/* The server assumes roles and reads secrets with rights of its own, which reach further than the
 * caller's: a role or secret must be of the caller's account. */
static bool check_roles(struct profile_change *change, const struct value *properties)
{
    static const char *const members[] = {"roleArn", "dataApiRoleArn"};
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        struct str arn = value_text(properties, members[i]);
        if (arn.data && !str_eq(str_field(arn, ':', 4), change->profile.key.account))
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
                .account = change->profile.key.account,
            },
            change->arena);
    if (change->consent)
        change->target.code_verifier = change->consent->code_verifier;
}

bool profile_change_use_credentials(struct profile_change *change, const struct value *given)
{
    change->config.credentials = given;
    if (!profile_credentials_resolve(change->context, change->profile.key, change->connector->key,
                                     given, clock_mono_ms(), change->arena, &change->credentials,
                                     change->error))
        return false;
    target_set_credentials(&change->target, change->credentials.resolved);
    return true;
}

bool profile_change_check(struct profile_change *change)
{
    const struct profile_config *config = &change->config;
    struct str arn = value_text(config->credentials, "clientCredentialsArn");
    if (arn.data && !str_eq(str_field(arn, ':', 4), change->profile.key.account))
        return fail(change->error, ERR_VALIDATION,
                    "Please validate the ClientCredentialsArn provided and please make sure "
                    "Appflow has required permissions to access the credentials");
    resolve(change);
    if (config->credentials && !profile_change_use_credentials(change, config->credentials))
        return false;
    return check_roles(change, config->properties) &&
           change->connector->ops->check(&change->target, change->error);
}

/* A seal that was damaged is no obstacle: new credentials are how that is mended. A wrapped key in
 * a seal that opens is no damaged one, whatever AWS KMS says of it. */
static bool unwrap_current(struct profile_change *change, const struct profile *current,
                           struct data_key *ret_key, bool *ret_found)
{
    struct str arn, wrapped;
    struct error ignored;
    *ret_found = false;
    if (!profile_wrapped_key(change->context->keyring, current, change->arena, &arn, &wrapped,
                             &ignored) ||
        !arn.data)
        return true;
    const struct data_key_owner owner = envelope_owner(&current->key, arn, change->arena);
    *ret_found = data_keys_unwrap(change->context->data_keys, &owner, wrapped, change->arena,
                                  ret_key, change->error);
    return *ret_found;
}

static void warn_unused(const struct profile_change *change, const struct profile *current)
{
    const struct profile_key *key = &change->profile.key;
    if (!current && !change->is_dry_run)
        log_warn("The kmsArn of profile %.*s (account %.*s, %.*s) is stored and not used: this "
                 "server was started without --kms-url, so the keyring alone encrypts.",
                 STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region));
}

bool profile_change_take_key(struct profile_change *change, const struct profile *current)
{
    const struct profile_context *context = change->context;
    struct str arn = current ? current->kms_arn : change->profile.kms_arn;
    struct data_key *key = arena_new(change->arena, struct data_key);
    const struct data_key_owner owner = envelope_owner(&change->profile.key, arn, change->arena);
    bool found = false;
    if (arn.len == 0 || change->data_key)
        return true;
    if (current && !unwrap_current(change, current, key, &found))
        return false;
    if (!found && !context->data_keys) {
        warn_unused(change, current);
        return true;
    }
    if (!found && !data_keys_make(context->data_keys, &owner, change->arena, key, change->error))
        return false;
    change->data_key = key;
    return true;
}

bool profile_change_fail_verdict(const struct profile_change *change, const struct verdict *verdict,
                                 struct error *error)
{
    struct str name = connector_name(change->connector, change->arena);
    struct str sentence = verdict_describe(change->arena, name, verdict);
    if (verdict->kind == VERDICT_INTERNAL)
        return fail(error, ERR_INTERNAL, "%.*s", STR_ARG(sentence));
    if (verdict->kind == VERDICT_THROTTLED && verdict->step == STEP_RESOLVE) /* on our side */
        return fail(error, ERR_THROTTLING, "Rate exceeded: %.*s", STR_ARG(sentence));
    return fail(error, ERR_CONNECTOR_AUTHENTICATION, "Error authenticating to connector: %.*s",
                STR_ARG(sentence));
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

/* The row is committed with the credentials as they are, and what was got for them before. Tokens
 * of the row's credentials may be loaded when these are others: they do not prove them. */
static bool verify_later(struct profile_change *change)
{
    change->tokens = change->has_stored ? change->stored.tokens : (struct oauth_tokens){0};
    return private_connection_reserve(change->context, change->profile.key.account,
                                      target_hosts(&change->target), &change->private_slot,
                                      change->error);
}

bool profile_change_is_trial(const struct profile_change *change)
{
    return change->is_dry_run && !(change->has_stored && !change->is_other &&
                                   str_eq(change->profile.properties, change->current->properties));
}

bool profile_change_verify(struct profile_change *change)
{
    struct profile_verification *made = &change->verification;
    struct profile_question question = {
        .key = change->profile.key,
        .target = &change->target,
        .owner = change->has_stored ? change->current : NULL,
        .data_key = change->data_key,
        .stored = change->has_stored ? &change->stored : NULL,
        .credentials_arn = change->profile.credentials_arn,
        .request_id = change->audit.request_id,
        .renews = change->renews,
        .is_trial = profile_change_is_trial(change),
        .withheld = change->consent ? ~(unsigned)GRANT_CODE : 0,
        .times = change->is_dry_run ? &made->times : NULL,
        .end = &change->end,
    };
    if (change->is_private && !change->is_dry_run)
        return verify_later(change);
    int64_t begun_us = clock_mono_us();
    bool accepted = profile_verify(change->context, &question, change->arena, &change->journal,
                                   &made->verdict, &change->tokens);
    made->took_us = clock_mono_us() - begun_us;
    made->is_made = true;
    trace_stage_end(change->stage_ns, STAGE_VERIFY);
    fault_point("change:verified");
    return accepted || profile_change_fail_verdict(change, &made->verdict, change->error);
}

void profile_change_set_mode(struct profile_change *change)
{
    struct profile *profile = &change->profile;
    profile->connection_mode = value_text(change->input, "connectionMode");
    profile->provisioning = (struct provisioning){0};
    if (change->is_private)
        profile->provisioning.status = PROVISIONING_PENDING;
}

/* A new profile, whose connector, if it is a registered one, cannot be unregistered meanwhile. */
static bool insert(struct db *db, const struct profile_change *change, struct error *error)
{
    const struct profile *profile = &change->profile;
    struct connector_key connector = {profile->key.account, profile->key.region,
                                      profile->connector_label};
    return (!connector.label.data || connector_row_hold(db, connector, error)) &&
           profile_insert(db, profile, change->context->profile_quota, error);
}

static bool replace(struct db *db, const struct profile_change *change, struct error *error)
{
    const struct profile *profile = &change->profile;
    const struct previous_plan *plan = &change->previous;
    if (plan->what == PREVIOUS_MOVE)
        return profile_replace_keeping(db, profile, change->expected_version, &plan->keeping,
                                       error);
    return profile_replace(db, profile, change->expected_version, error) &&
           (plan->what != PREVIOUS_REMOVE || previous_remove(db, profile->key, INT64_MAX, error));
}

/* Where the vendor said it by the way; else it is asked later (profile/end_lookup.h). */
static bool put_end(struct db *db, const struct profile_change *change, struct error *error)
{
    const struct profile_asked asked = {
        .version = change->profile.credentials_version,
        .at_ms = change->profile.updated_at_ms,
        .end_ms = change->end.end_ms,
    };
    return !change->end.is_said || profile_asked_put(db, change->profile.key, &asked, error);
}

static bool apply_change(struct db *db, void *argument, struct error *error)
{
    struct profile_change *change = argument;
    const struct profile *profile = &change->profile;
    bool stored =
        change->expected_version == 0 ? insert(db, change, error) : replace(db, change, error);
    if (!stored || !grant_journal_consume(db, &change->journal, error))
        return false;
    if (!profile_tokens_apply(db, &profile->key, &change->tokens_change, error))
        return false;
    if (!put_end(db, change, error))
        return false;
    if (change->private_slot && !job_slot_insert(db, change->private_slot, error))
        return false;
    if (!secret_mirror_follow(db, change->context, change->connector, profile, error))
        return false;
    if (!token_claim_answer(db, &change->claim, change->output, error))
        return false;
    if (change->consent && !change->consent->end(db, change->consent, error))
        return false;
    struct audit_entry entry = change->audit;
    entry.at_ms = clock_wall_ms();
    entry.outcome = STR("ok");
    entry.detail = change->detail.data ? change->detail : STR("");
    entry.version = profile->version;
    return audit_add(db, &entry, error);
}

struct str profile_change_answer(const struct profile_change *change)
{
    struct arena *arena = change->arena;
    struct buf answer = buf_in(arena, ANSWER_MAX);
    struct value *body = value_structure(arena);
    value_put_text(arena, body, "connectorProfileArn", profile_arn(arena, &change->profile.key));
    value_encode(&answer, body);
    return buf_str(&answer);
}

bool profile_change_answered_meanwhile(struct profile_change *change)
{
    if (!token_claim_answered_meanwhile(&change->claim, change->arena, &change->output))
        return false;
    *change->error = (struct error){0};
    return true;
}

/* The hash of the row holds for its own credentials. A rollback has planned by itself. */
static void plan_previous(struct profile_change *change)
{
    const struct profile_context *context = change->context;
    struct profile *profile = &change->profile;
    bool are_known = change->has_stored && !change->is_other && profile->credentials_hash != 0;
    if (!are_known)
        profile->credentials_hash = profile_credentials_hash(
            context, &profile->key, change->credentials.given, change->arena);
    if (change->current && change->previous.what == PREVIOUS_LEAVE)
        previous_plan(context, change->current, profile->credentials_hash, change->arena,
                      &change->previous);
    if (change->previous.what == PREVIOUS_MOVE)
        profile->fell_back_at_ms = change->previous.keeping.fell_back_at_ms;
    else if (change->current)
        profile->fell_back_at_ms = change->current->fell_back_at_ms;
    if (change->previous.what != PREVIOUS_LEAVE)
        profile->previous_until_ms = 0; /* those that are kept now go */
}

/* Credentials that are the stored ones, or go on from their tokens, keep their version, so that
 * tokens which another request got meanwhile stay good. */
static bool seal(struct profile_change *change)
{
    struct profile *profile = &change->profile;
    if (!change->has_stored)
        profile->credentials_version = profile->version;
    plan_previous(change);
    const struct profile_sealed sealed = {change->credentials.given, change->credentials.seed,
                                          change->data_key};
    return profile_seal(change->context->keyring, profile, &sealed, change->arena,
                        &profile->sealed_credentials, change->error) &&
           profile_tokens_plan(
               change->context,
               &(struct profile_tokens_question){
                   .connector = change->connector,
                   .profile = profile,
                   .before = change->has_stored ? &change->stored : NULL,
                   .tokens = &change->tokens,
                   .replaced = change->stored.replaced,
                   .target = &change->target,
                   .spent = grant_journal_spent(&change->journal),
                   .data_key = change->data_key,
                   .keeps_older = change->previous.what == PREVIOUS_MOVE && change->has_tokens_row,
               },
               change->arena, &change->tokens_change, change->error);
}

bool profile_change_commit(struct profile_change *change)
{
    if (!seal(change))
        return false;
    trace_stage_end(change->stage_ns, STAGE_SEAL);
    change->output = profile_change_answer(change);
    if (change->private_slot)
        private_connection_set(change->private_slot, &change->profile, change->arena);
    fault_point("change:sealed");
    bool scrub = change->consent != NULL; /* the request that its row held is removed */
    if (!store_apply(change->context->store, apply_change, change, scrub, change->error))
        return false;
    trace_stage_end(change->stage_ns, STAGE_COMMIT);
    fault_point("change:committed");
    secret_mirror_wake(change->context);
    token_follow_wake(change->context, &change->tokens_change.follow);
    if (change->private_slot)
        job_post(change->private_slot);
    change->private_slot = NULL; /* it belongs to the runner now */
    return true;
}
