/* Tokens, their copy in AWS Secrets Manager, and the grants that they came from, in one write. */
#include "profile/keep_tokens.h"

#include "connector/target.h"
#include "profile/secret_mirror.h"

struct keeping {
    const struct tokens_to_keep *keep;
    struct profile_tokens_change change;
};

static bool put(struct db *db, const struct keeping *keeping, struct error *error)
{
    const struct tokens_to_keep *keep = keeping->keep;
    return profile_tokens_apply(db, &keep->profile->key, &keeping->change, error) &&
           secret_mirror_follow(db, keep->context, keep->target->connector, keep->profile, error);
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    const struct keeping *keeping = argument;
    const struct tokens_to_keep *keep = keeping->keep;
    enum profile_tokens_owner owner;
    if (!profile_tokens_find_owner(db, keep->profile, keep->arena, &owner, error))
        return false;
    return (owner != TOKENS_OWNER_HERE || put(db, keeping, error)) &&
           (owner == TOKENS_OWNER_PREVIOUS || grant_journal_consume(db, keep->journal, error));
}

bool profile_keep_tokens(const struct tokens_to_keep *keep, const struct oauth_tokens *tokens,
                         struct error *error)
{
    struct keeping keeping = {.keep = keep};
    const struct profile_tokens_question question = {
        .connector = keep->target->connector,
        .profile = keep->profile,
        .before = keep->stored,
        .tokens = tokens,
        .target = keep->target,
        .spent = grant_journal_spent(keep->journal),
        .data_key = keep->data_key,
    };
    if (!profile_tokens_plan(keep->context, &question, keep->arena, &keeping.change, error))
        return false;
    if (keeping.change.what == TOKENS_KEEP && keep->journal->used_count == 0)
        return true;
    if (!store_apply(keep->context->store, apply, &keeping, false, error))
        return false;
    secret_mirror_wake(keep->context);
    token_follow_wake(keep->context, &keeping.change.follow);
    return true;
}
