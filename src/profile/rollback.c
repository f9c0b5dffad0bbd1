/* Load, open, verify, swap.
 *
 * A refresh token among the previous tokens may be spent by the verification. What the vendor gave
 * for it is in the grant journal then, and another rollback continues from there if this one comes
 * to nothing. Credentials that have one line of tokens with those in use go on with it, and what a
 * renewal brings on the way is stored in the profile at once. */
#include "profile/rollback.h"

#include "base/clock.h"
#include "base/fault.h"
#include "profile/keep_tokens.h"
#include "profile/provisioning_state.h"
#include "profile/seal.h"

struct rollback {
    struct profile_change *change;
    struct previous_credentials previous;
};

/* --- opening --- */

/* Tokens that do not open count as none: the credentials may be good without them. Where AWS KMS
 * does not unwrap their data key now, they may be all that works. */
static bool open_own_tokens(struct profile_change *change, const struct oauth_tokens_row *row)
{
    struct error error;
    if (row->version == 0 || profile_tokens_open(change->context, &change->current->key, row,
                                                 change->arena, &change->stored, &error))
        return true;
    change->stored = (struct profile_tokens){0};
    return !envelope_key_is_away(&error) || fail(change->error, error.code, "%s", error.message);
}

/* Refresh tokens that were replaced are known of both, whose tokens ever they were. */
static bool load_tokens(struct rollback *rollback)
{
    struct profile_change *change = rollback->change;
    const struct previous_credentials *previous = &rollback->previous;
    struct profile_tokens in_use = {0};
    struct error error = {0};
    bool loaded = profile_tokens_load(change->context, change->connector, change->current,
                                      change->arena, &in_use, &error);
    change->has_tokens_row = in_use.version != 0;
    change->has_stored =
        previous->profile.credentials_version == change->current->credentials_version;
    if (change->has_stored) {
        change->stored = in_use;
        return loaded || fail(change->error, error.code, "%s", error.message);
    }
    if (!open_own_tokens(change, &previous->tokens))
        return false;
    if (in_use.replaced.data)
        change->stored.replaced = in_use.replaced;
    return true;
}

static bool open_previous(struct rollback *rollback)
{
    struct profile_change *change = rollback->change;
    struct profile *previous = &rollback->previous.profile;
    struct profile_sealed sealed;
    if (!profile_target_of_row(change->context, NULL, previous, change->arena, &change->target,
                               change->error))
        return false;
    change->connector = change->target.connector;
    if (!profile_unseal(change->context, previous, change->arena, &sealed, change->error))
        return false;
    change->data_key = sealed.data_key;
    return profile_change_use_credentials(change, sealed.credentials) &&
           profile_credentials_check(&change->credentials, &change->target, change->error) &&
           load_tokens(rollback) && profile_change_take_key(change, change->current);
}

/* --- the vendor --- */

static bool fail_refused(struct profile_change *change, const struct verdict *verdict)
{
    struct error why = {0};
    profile_change_fail_verdict(change, verdict, &why);
    return fail(change->error, why.code, "The previous credentials were not put back. %s",
                why.message);
}

/* The profile keeps its credentials, whose refresh token may have been replaced. */
static bool keep_shared(struct profile_change *change)
{
    return !change->has_stored || profile_keep_tokens(
                                      &(struct tokens_to_keep){
                                          .context = change->context,
                                          .arena = change->arena,
                                          .target = &change->target,
                                          .profile = change->current,
                                          .stored = &change->stored,
                                          .journal = &change->journal,
                                          .data_key = change->data_key,
                                      },
                                      &change->tokens, change->error);
}

static bool verify(struct profile_change *change)
{
    struct profile_verification *made = &change->verification;
    const struct profile_question question = {
        .key = change->current->key,
        .target = &change->target,
        .owner = change->has_stored ? change->current : NULL,
        .stored = &change->stored,
        .data_key = change->data_key,
        .credentials_arn = change->current->credentials_arn,
        .request_id = change->audit.request_id,
        .renews = change->has_stored, /* the tokens are those of both */
        .deadline_ms = change->deadline_ms,
        .withheld = GRANT_CODE | GRANT_JWT_BEARER, /* they were sent when these were new */
        .times = &made->times,
    };
    int64_t begun_us = clock_mono_us();
    bool accepted = profile_verify(change->context, &question, change->arena, &change->journal,
                                   &made->verdict, &change->tokens);
    made->took_us = clock_mono_us() - begun_us;
    made->is_made = true;
    trace_stage_end(change->stage_ns, STAGE_VERIFY);
    fault_point("rollback:verified");
    return accepted || (keep_shared(change) && fail_refused(change, &made->verdict));
}

/* --- the swap --- */

static void set_row(struct rollback *rollback, struct str refused)
{
    struct profile_change *change = rollback->change;
    struct profile *profile = &change->profile;
    const struct profile *previous = &rollback->previous.profile;
    bool is_private = str_eq(previous->connection_mode, STR("Private"));
    *profile = *change->current;
    profile->connection_mode = previous->connection_mode;
    profile->properties = previous->properties;
    profile->credentials_hash = 0; /* it is of the credentials that are replaced */
    profile->provisioning = (struct provisioning){0};
    if (is_private)
        profile->provisioning.status = PROVISIONING_CREATED;
    profile->version = change->current->version + 1;
    profile->updated_at_ms = clock_wall_ms();
    change->expected_version = change->current->version;
    change->previous = (struct previous_plan){
        .what = PREVIOUS_MOVE,
        .keeping = {.until_ms = profile->updated_at_ms + change->context->previous_ms,
                    .refused = refused,
                    .fell_back_at_ms = refused.data ? profile->updated_at_ms : 0},
    };
}

bool profile_rollback(struct profile_change *change, const struct profile *current,
                      struct str refused)
{
    struct rollback rollback = {.change = change};
    change->current = current;
    if (!provisioning_check_settled(current, change->error) ||
        !previous_load(change->context, current, change->arena, &rollback.previous,
                       change->error) ||
        !open_previous(&rollback))
        return false;
    trace_stage_end(change->stage_ns, STAGE_CHECK);
    if (!verify(change))
        return false;
    set_row(&rollback, refused);
    return profile_change_commit(change);
}
