/* One fallback of a profile at a time, over all nodes; then a rollback (profile/rollback.h). */
#include "profile/fallback.h"

#include "base/clock.h"
#include "base/log.h"
#include "profile/fallback_pause.h"
#include "profile/provisioning_state.h"
#include "profile/rollback.h"
#include "store/core/idempotency_claims.h"
#include "wire/errors.h"

static const char *const outcomes[] = {"restored", "refused", "undecided"};
enum { RESTORED, REFUSED, UNDECIDED, OUTCOMES };

const struct metric metric_fallbacks = {
    "headgate_credential_fallbacks_total",
    "Tries to go back to a profile's previous credentials, by outcome.",
    .labels = {{"outcome", OUTCOMES, outcomes, NULL}},
    METRIC_SERIES(OUTCOMES),
};

struct fallback {
    const struct profile_context *context;
    const struct profile *current;
    struct arena *arena;
    struct str words; /* of the vendor, on the credentials in use */
    struct str request_id;
    int64_t deadline_ms; /* see profile_fall_back */
    struct profile row;  /* `current`, once it was read again */
    struct profile_change change;
    struct error error;
    int64_t stage_ns; /* not measured */
};

/* The vendor knows the credentials and does not want them. One that is busy, limits requests or is
 * away has another verdict, and a refusal whose cause is not known may be a gateway's. */
static bool is_final(const struct verdict *verdict)
{
    static const unsigned causes = CAUSE_GRANT | CAUSE_CREDENTIAL | CAUSE_CLIENT | CAUSE_USER |
                                   CAUSE_ACCOUNT | CAUSE_SECOND_FACTOR | CAUSE_NEW_PASSWORD;
    return verdict->kind == VERDICT_REJECTED && !verdict->transient &&
           (verdict->causes & causes || verdict->in_doubt);
}

/* Where the vendor is asked about the previous ones any answer but these is its last word on them:
 * one that is not understood today is not understood at the next use either. */
static bool is_refusal(const struct verdict *verdict)
{
    return (verdict->kind == VERDICT_REJECTED && !verdict->transient) ||
           verdict->kind == VERDICT_FORBIDDEN || verdict->kind == VERDICT_MISCONFIGURED;
}

static struct audit_entry audit_of(const struct fallback *fallback)
{
    const struct profile_key *key = &fallback->current->key;
    return (struct audit_entry){
        .at_ms = clock_wall_ms(),
        .request_id = fallback->request_id,
        .account = key->account,
        .region = key->region,
        .operation = STR("CredentialsFallback"),
        .resource = key->name,
    };
}

/* --- the previous ones are refused as well --- */

struct refused_both {
    const struct profile *current;
    struct str words;
    struct audit_entry audit;
};

static bool apply_refusal(struct db *db, void *argument, struct error *error)
{
    const struct refused_both *refusal = argument;
    return previous_refuse(db, refusal->current, refusal->words, error) &&
           audit_add(db, &refusal->audit, error);
}

/* If it cannot be noted they are tried again at the next use. */
static void note_refusal(struct fallback *fallback)
{
    struct refused_both refusal = {
        .current = fallback->current,
        .words = arena_copy(fallback->arena, str_from(fallback->error.message)),
        .audit = audit_of(fallback),
    };
    struct error ignored; /* logged by the store */
    refusal.audit.outcome = str_from(error_kind(ERR_CONNECTOR_AUTHENTICATION)->exception);
    refusal.audit.detail = refusal.words;
    ignore_failure(store_apply(fallback->context->store, apply_refusal, &refusal, false, &ignored));
}

/* --- the try --- */

static void log_failure(const struct fallback *fallback)
{
    const struct profile_key *key = &fallback->current->key;
    log_warn("The credentials of profile %.*s (account %.*s, %.*s) are refused. %s",
             STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region),
             fallback->error.message);
}

static void log_success(const struct fallback *fallback)
{
    const struct profile_key *key = &fallback->current->key;
    log_warn("Profile %.*s (account %.*s, %.*s) fell back to its previous credentials, which the "
             "vendor accepts. It refused those in use: %.*s",
             STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region),
             STR_ARG(fallback->words));
}

/* The row as it is now; not *ret_found: it cannot be read, or is gone. */
static struct profile read_again(struct fallback *fallback, bool *ret_found)
{
    struct profile now = {0};
    struct error ignored; /* logged by the store */
    *ret_found = false;
    if (!profile_load(fallback->context->store, fallback->arena, fallback->current->key, &now,
                      ret_found, &ignored))
        *ret_found = false;
    return now;
}

/* A change of anything else, which gives the row another version, leaves the hash as it is. */
static bool has_others(const struct profile *now, const struct profile *before)
{
    return now->credentials_version != before->credentials_version ||
           now->credentials_hash != before->credentials_hash ||
           !str_eq(now->properties, before->properties);
}

/* Another request changed the profile meanwhile: its credentials, or anything else of it. */
static enum fallback_end end_overtaken(struct fallback *fallback)
{
    bool found;
    struct profile now = read_again(fallback, &found);
    return found && has_others(&now, fallback->current) ? FALLBACK_DONE : FALLBACK_LATER;
}

static enum fallback_end end_failed(struct fallback *fallback)
{
    const struct profile_verification *made = &fallback->change.verification;
    bool refused = made->is_made && is_refusal(&made->verdict);
    if (fallback->error.code == ERR_NOT_FOUND)
        return FALLBACK_NOT;
    if (fallback->error.code == ERR_CONFLICT)
        return end_overtaken(fallback);
    metrics_count(&metric_fallbacks, refused ? REFUSED : UNDECIDED, 0);
    log_failure(fallback);
    if (refused)
        note_refusal(fallback);
    else
        fallback_pause(fallback->current);
    return refused ? FALLBACK_NOT : FALLBACK_LATER;
}

static enum fallback_end try_previous(struct fallback *fallback)
{
    struct value *input = value_structure(fallback->arena);
    value_put_text(fallback->arena, input, "connectorProfileName", fallback->current->key.name);
    profile_change_init(&fallback->change, &(struct profile_change_request){
                                               .context = fallback->context,
                                               .arena = fallback->arena,
                                               .input = input,
                                               .audit = audit_of(fallback),
                                               .stage_ns = &fallback->stage_ns,
                                               .error = &fallback->error,
                                               .operation = STR("CredentialsFallback"),
                                           });
    fallback->change.detail = fallback->words;
    fallback->change.deadline_ms = fallback->deadline_ms;
    if (!profile_rollback(&fallback->change, fallback->current, fallback->words))
        return end_failed(fallback);
    metrics_count(&metric_fallbacks, RESTORED, 0);
    log_success(fallback);
    return FALLBACK_DONE;
}

static bool may_try(const struct profile_context *context, const struct profile *row)
{
    return previous_may_exist(context, row) && !row->previous_refused.data &&
           !provisioning_is_pending(&row->provisioning);
}

/* What another use, which had the turn before, came to holds for this one. */
static enum fallback_end try_in_turn(struct fallback *fallback)
{
    bool found;
    fallback->row = read_again(fallback, &found);
    if (!found)
        return FALLBACK_LATER;
    if (has_others(&fallback->row, fallback->current))
        return FALLBACK_DONE;
    fallback->current = &fallback->row;
    if (!may_try(fallback->context, &fallback->row))
        return FALLBACK_NOT;
    if (fallback_is_paused(&fallback->row))
        return FALLBACK_LATER;
    enum fallback_end end = try_previous(fallback);
    profile_change_done(&fallback->change);
    return end;
}

static int64_t wait_ms(const struct fallback *fallback)
{
    int64_t left_ms = fallback->deadline_ms - clock_mono_ms();
    return fallback->deadline_ms != 0 && left_ms > 0 ? left_ms : 0;
}

/* Uses that were refused at the same time wait here. */
static enum fallback_end take_turn(struct fallback *fallback)
{
    static const unsigned char same[REQUEST_HASH_SIZE];
    const struct profile_context *context = fallback->context;
    const struct profile_key *profile = &fallback->current->key;
    struct client_token key = {profile->account, profile->region, STR("fallback"), profile->name};
    struct idempotency_claim *claim = NULL;
    enum client_token_state state;
    struct str answer;
    if (!client_token_claim(context->store, fallback->arena, &key, same, wait_ms(fallback), &state,
                            &claim, &answer, &fallback->error) ||
        state != CLIENT_TOKEN_CLAIMED)
        return FALLBACK_LATER;
    enum fallback_end end = try_in_turn(fallback);
    client_token_release(context->store, claim);
    return end;
}

enum fallback_end profile_fall_back(const struct profile_context *context,
                                    const struct profile *current, const struct verdict *verdict,
                                    struct str request_id, int64_t deadline_ms, struct arena *arena)
{
    if (!is_final(verdict) || !may_try(context, current))
        return FALLBACK_NOT;
    if (fallback_is_paused(current))
        return FALLBACK_LATER;
    struct arena own = arena_beside(arena);
    struct fallback fallback = {.context = context,
                                .current = current,
                                .arena = &own,
                                .request_id = request_id,
                                .deadline_ms = deadline_ms};
    fallback.words = verdict_describe(&own, current->connector_type, verdict);
    enum fallback_end end = take_turn(&fallback);
    arena_done(&own);
    return end;
}
