/* What a dry run does in place of the steps of a change that store something. */
#include "profile/dry_run.h"

#include "base/clock.h"
#include "connector/http/target.h"
#include "profile/keep_tokens.h"

bool profile_dry_run_begin(struct profile_change *change)
{
    const struct token_claim_request request = profile_change_claim_request(change);
    return token_claim_look(&request, change->error);
}

/* --- the vendor --- */

static bool fail_one_time(struct profile_change *change)
{
    return fail(change->error, ERR_VALIDATION,
                "No fault was found before the vendor would be asked. An authorization code or "
                "assertion works only once and a dry run would use it up, so the vendor was not "
                "asked. Send the change without dry run, or dry-run it with an access token.");
}

static bool has_stored_tokens(const struct profile_change *change)
{
    const struct oauth_tokens *tokens = &change->stored.tokens;
    return change->has_stored && (tokens->access_token.len > 0 || tokens->refresh_token.len > 0);
}

/* Whatever the vendor said in the end. Tokens that were got with properties which are not stored
 * may have other rights than the profile's: they are kept only if they came of its refresh token,
 * since the vendor may have replaced that one. */
static bool keep_tokens(struct profile_change *change)
{
    bool are_the_profiles = !profile_change_is_trial(change) || change->journal.used_count > 0;
    const struct tokens_to_keep keep = {
        .context = change->context,
        .arena = change->arena,
        .target = &change->target,
        .profile = change->current,
        .stored = &change->stored,
        .journal = &change->journal,
        .data_key = change->data_key,
    };
    struct error error = {0};
    if (!change->has_stored || !are_the_profiles ||
        profile_keep_tokens(&keep, &change->tokens, &error))
        return true;
    *change->error = error;
    return false;
}

bool profile_dry_run_verify(struct profile_change *change)
{
    if (profile_change_is_trial(change) && !has_stored_tokens(change) &&
        http_needs_grant(&change->target, DRY_RUN_WITHHOLDS))
        return fail_one_time(change);
    bool accepted = profile_change_verify(change);
    return keep_tokens(change) && accepted;
}

/* --- the end --- */

/* What else is there, or not, than when the change began. */
static bool judge_row(const struct profile_change *change, const struct profile *now, bool found)
{
    struct str name = change->profile.key.name;
    if (change->expected_version == 0)
        return !found || fail(change->error, ERR_CONFLICT,
                              "ConnectorProfile with name %.*s already exists.", STR_ARG(name));
    if (!found)
        return fail(change->error, ERR_NOT_FOUND,
                    "Connector Profile with name %.*s does not exist.", STR_ARG(name));
    return now->version == change->expected_version ||
           fail(change->error, ERR_CONFLICT,
                "Connector Profile with name %.*s was changed by another request.", STR_ARG(name));
}

static bool check_store(struct profile_change *change)
{
    struct store_reader *reader;
    struct profile now;
    bool found = false;
    struct profile_key key = change->profile.key;
    if (!store_point_reader_take(change->context->store, &reader, change->error))
        return false;
    bool ok = profile_find(reader, change->arena, key, &now, &found, change->error) &&
              judge_row(change, &now, found) &&
              (change->expected_version != 0 ||
               profile_has_room(reader, key, change->context->profile_quota, change->error));
    store_point_reader_put(change->context->store, reader);
    return ok;
}

static bool apply_audit(struct db *db, void *argument, struct error *error)
{
    const struct profile_change *change = argument;
    struct audit_entry entry = change->audit;
    entry.at_ms = clock_wall_ms();
    entry.outcome = STR("ok");
    entry.detail = STR("");
    return audit_add(db, &entry, error);
}

bool profile_dry_run_end(struct profile_change *change)
{
    if (!check_store(change) ||
        !store_apply(change->context->store, apply_audit, change, false, change->error))
        return false;
    trace_stage_end(change->stage_ns, STAGE_COMMIT);
    change->output = profile_change_answer(change);
    return true;
}
