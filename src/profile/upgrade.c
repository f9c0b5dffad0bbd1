/* One page of profiles a write, until none is left. The profile's own row keeps its version and its
 * sealed text: the tokens in it are ignored from then on. */
#include "profile/upgrade.h"

#include "base/alloc.h"
#include "base/log.h"
#include "profile/seal.h"
#include "profile/tokens.h"

enum {
    PAGE = 100,
    REPORT_EVERY = 10 * 1000, /* profiles, between lines of the log */
};

struct upgrade_page {
    const struct profile_context *context;
    struct arena arena;
    struct profile *profiles;
    struct profile_tokens_change *changes; /* one a profile */
    size_t count;
};

static bool read_page(struct upgrade_page *page, struct error *error)
{
    struct store *store = page->context->store;
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = profile_list_old(reader, &page->arena, PAGE, &page->profiles, &page->count, error);
    store_reader_put(store, reader);
    return ok;
}

static bool plan(struct upgrade_page *page, struct profile *profile,
                 struct profile_tokens_change *ret_change, struct error *error)
{
    static const struct profile_tokens none;
    const struct value *credentials;
    struct oauth_tokens tokens = {0};
    struct error why = {0};
    profile->credentials_version = profile->version;
    if (!profile_unseal(page->context->keyring, profile, &page->arena, &credentials, &tokens, &why))
        log_warn("The credentials of profile %.*s (account %.*s, %.*s) cannot be read: %s",
                 STR_ARG(profile->key.name), STR_ARG(profile->key.account),
                 STR_ARG(profile->key.region), why.message);
    struct profile_tokens_question question = {profile, &none, &tokens};
    return profile_tokens_plan(page->context, &question, &page->arena, ret_change, error);
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct upgrade_page *page = argument;
    for (size_t i = 0; i < page->count; i++) {
        const struct profile *profile = &page->profiles[i];
        bool done;
        if (!profile_set_credentials_version(db, profile, &done, error) ||
            (done && !profile_tokens_apply(db, &profile->key, &page->changes[i], error)))
            return false;
    }
    return true;
}

static bool upgrade_page(struct upgrade_page *page, struct error *error)
{
    if (!read_page(page, error))
        return false;
    page->changes = arena_array(&page->arena, struct profile_tokens_change, page->count + 1);
    for (size_t i = 0; i < page->count; i++) {
        if (!plan(page, &page->profiles[i], &page->changes[i], error))
            return false;
    }
    return page->count == 0 || store_apply(page->context->store, apply, page, false, error);
}

bool profile_upgrade(const struct profile_context *context, struct error *error)
{
    size_t count = PAGE, done = 0;
    bool ok = true;
    while (ok && count == PAGE) {
        struct upgrade_page page = {.context = context};
        ok = upgrade_page(&page, error);
        count = page.count;
        arena_done(&page.arena);
        done += count;
        if (done > 0 && (done % REPORT_EVERY == 0 || count < PAGE) && count > 0)
            log_info("Moved the OAuth tokens of %zu profiles to rows of their own.", done);
    }
    return ok;
}
