/* Four tables, a page of rows a write. A row is replaced only where its sealed value still is the
 * one that was read, so that nodes which upgrade at once do not undo each other's work. */
#include "profile/upgrade.h"

#include "base/log.h"
#include "profile/grant_seal.h"
#include "profile/oauth_app_store.h"
#include "profile/seal.h"
#include "profile/tokens.h"
#include "store/fsck.h"
#include "store/meta.h"

#include <string.h>

enum {
    PAGE = 100,
    REPORT_EVERY = 10 * 1000, /* profiles, between lines of the log */
};

struct upgrade {
    struct profile_context context; /* store and keyring */
    struct arena arena;             /* of a page */
    struct error *error;
};

/* Reads one page behind a cursor, and seals it again. */
typedef bool page_fn(struct upgrade *upgrade, struct store_reader *reader, void *cursor,
                     size_t *ret_count);

static bool each_page(struct upgrade *upgrade, page_fn *page, void *cursor, size_t page_size)
{
    struct store *store = upgrade->context.store;
    size_t count = page_size;
    bool ok = true;
    while (ok && count == page_size) {
        struct store_reader *reader;
        if (!store_reader_take(store, &reader, upgrade->error))
            return false;
        ok = page(upgrade, reader, cursor, &count);
        store_reader_put(store, reader);
        arena_reset(&upgrade->arena);
    }
    return ok;
}

static void warn(const char *what, const struct profile_key *key, const struct error *why)
{
    log_warn("The %s of profile %.*s (account %.*s, %.*s) cannot be read: %s", what,
             STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region), why->message);
}

/* Opens in form 1 and seals in form 2. *ret_sealed is STR_NULL for what is in form 2 already. */
static bool seal_in_new_form(struct upgrade *upgrade, const struct seal_binding *binding,
                             struct str sealed, struct str *ret_sealed, struct error *why)
{
    struct str plain;
    *ret_sealed = STR_NULL;
    return !seal_is_old(sealed) ||
           (seal_open_old(upgrade->context.keyring, binding, sealed, &upgrade->arena, &plain,
                          why) &&
            seal_close(upgrade->context.keyring, binding, plain, &upgrade->arena, ret_sealed, why));
}

/* Where the next page of a table with a profile's key begins; outlives the arena of the page. */
struct key_cursor {
    struct arena arena;
    struct profile_key key;
    size_t done;
};

static void move_cursor(struct key_cursor *cursor, struct profile_key key)
{
    struct arena arena = {0};
    cursor->key = profile_key_copy(&arena, key);
    arena_done(&cursor->arena);
    cursor->arena = arena;
}

static bool each_page_of_keys(struct upgrade *upgrade, page_fn *page, size_t page_size)
{
    struct key_cursor cursor = {.key = {STR(""), STR(""), STR("")}};
    bool ok = each_page(upgrade, page, &cursor, page_size);
    arena_done(&cursor.arena);
    return ok;
}

/* --- profiles --- */

struct profile_row {
    struct profile profile; /* as it is going to be */
    struct str old;         /* sealed credentials as they were; STR_NULL: nothing to do */
    struct profile_tokens_change tokens;
};

struct profile_page {
    struct profile_row *rows;
    size_t count;
};

static bool apply_profiles(struct db *db, void *argument, struct error *error)
{
    const struct profile_page *page = argument;
    for (size_t i = 0; i < page->count; i++) {
        const struct profile_row *row = &page->rows[i];
        bool done = false;
        if (row->old.data && !profile_reseal(db, &row->profile, row->old, &done, error))
            return false;
        if (done && !profile_tokens_apply(db, &row->profile.key, &row->tokens, error))
            return false;
    }
    return true;
}

/* A row of a schema before 8 has no version of its credentials, and its tokens beside them. */
static bool plan_profile(struct upgrade *upgrade, struct profile_row *row, struct error *error)
{
    static const struct profile_tokens none;
    struct profile *profile = &row->profile;
    const struct value *credentials;
    struct oauth_tokens tokens = {0};
    struct error why = {0};
    bool has_tokens_beside = profile->credentials_version == 0;
    if (!seal_is_old(profile->sealed_credentials))
        return true;
    if (!profile_unseal_old(upgrade->context.keyring, profile, &upgrade->arena, &credentials,
                            &tokens, &why)) {
        warn("credentials", &profile->key, &why);
        return true;
    }
    row->old = profile->sealed_credentials;
    if (has_tokens_beside)
        profile->credentials_version = profile->version;
    if (!profile_seal(upgrade->context.keyring, profile,
                      &(struct profile_sealed){.credentials = credentials}, &upgrade->arena,
                      &profile->sealed_credentials, error))
        return false;
    struct profile_tokens_question question = {
        .profile = profile, .before = &none, .tokens = &tokens};
    return !has_tokens_beside ||
           profile_tokens_plan(&upgrade->context, &question, &upgrade->arena, &row->tokens, error);
}

static bool upgrade_profiles(struct upgrade *upgrade, struct store_reader *reader, void *argument,
                             size_t *ret_count)
{
    struct key_cursor *cursor = argument;
    struct profile *profiles;
    struct profile_page page = {0};
    if (!profile_list_all(reader, &upgrade->arena, cursor->key, STR_NULL, PAGE, &profiles,
                          &page.count, upgrade->error))
        return false;
    store_reader_rest(reader);
    page.rows = arena_array(&upgrade->arena, struct profile_row, page.count + 1);
    for (size_t i = 0; i < page.count; i++) {
        page.rows[i] = (struct profile_row){.profile = profiles[i]};
        if (!plan_profile(upgrade, &page.rows[i], upgrade->error))
            return false;
    }
    *ret_count = page.count;
    if (page.count == 0)
        return true;
    move_cursor(cursor, profiles[page.count - 1].key);
    cursor->done += page.count;
    if (cursor->done % REPORT_EVERY == 0 || page.count < PAGE)
        log_info("Upgrading the database: sealed %zu profiles again.", cursor->done);
    return store_apply(upgrade->context.store, apply_profiles, &page, false, upgrade->error);
}

/* --- OAuth tokens --- */

struct tokens_page {
    const struct oauth_tokens_owned *rows;
    struct str *sealed;
    size_t count;
};

static bool apply_tokens(struct db *db, void *argument, struct error *error)
{
    const struct tokens_page *page = argument;
    for (size_t i = 0; i < page->count; i++) {
        const struct oauth_tokens_owned *row = &page->rows[i];
        if (page->sealed[i].data &&
            !oauth_tokens_reseal(db, row->key, page->sealed[i], row->row.sealed, error))
            return false;
    }
    return true;
}

static bool upgrade_tokens(struct upgrade *upgrade, struct store_reader *reader, void *argument,
                           size_t *ret_count)
{
    struct key_cursor *cursor = argument;
    struct oauth_tokens_owned *rows;
    struct tokens_page page = {0};
    if (!fsck_oauth_tokens(reader, &upgrade->arena, cursor->key, STR_NULL, &rows, &page.count,
                           upgrade->error))
        return false;
    store_reader_rest(reader);
    page.rows = rows;
    page.sealed = arena_array(&upgrade->arena, struct str, page.count + 1);
    for (size_t i = 0; i < page.count; i++) {
        struct error why = {0};
        struct seal_binding binding =
            profile_tokens_binding(&rows[i].key, &rows[i].row, &upgrade->arena);
        if (!seal_in_new_form(upgrade, &binding, rows[i].row.sealed, &page.sealed[i], &why))
            warn("OAuth tokens", &rows[i].key, &why);
    }
    *ret_count = page.count;
    if (page.count == 0)
        return true;
    move_cursor(cursor, rows[page.count - 1].key);
    return store_apply(upgrade->context.store, apply_tokens, &page, false, upgrade->error);
}

/* --- token grants --- */

struct grants_page {
    struct token_grant *rows; /* sealed as they are going to be */
    struct str *old;          /* STR_NULL: nothing to do */
    size_t count;
};

static bool apply_grants(struct db *db, void *argument, struct error *error)
{
    const struct grants_page *page = argument;
    for (size_t i = 0; i < page->count; i++) {
        if (page->old[i].data && !token_grant_reseal(db, &page->rows[i], page->old[i], error))
            return false;
    }
    return true;
}

struct grants_cursor {
    unsigned char id[TOKEN_GRANT_ID_SIZE];
    bool begun;
};

static bool upgrade_grants(struct upgrade *upgrade, struct store_reader *reader, void *argument,
                           size_t *ret_count)
{
    struct grants_cursor *cursor = argument;
    struct grants_page page = {0};
    if (!fsck_token_grants(reader, &upgrade->arena, cursor->begun ? cursor->id : NULL, STR_NULL,
                           &page.rows, &page.count, upgrade->error))
        return false;
    store_reader_rest(reader);
    page.old = arena_array(&upgrade->arena, struct str, page.count + 1);
    for (size_t i = 0; i < page.count; i++) {
        struct token_grant *grant = &page.rows[i];
        struct profile_key key = {grant->account, grant->region, grant->profile};
        struct seal_binding binding = token_grant_seal_binding(grant->id, &key, &upgrade->arena);
        struct str sealed;
        struct error why = {0};
        if (!seal_in_new_form(upgrade, &binding, grant->sealed, &sealed, &why))
            warn("tokens for the next change", &key, &why);
        page.old[i] = sealed.data ? grant->sealed : STR_NULL;
        if (sealed.data)
            grant->sealed = sealed;
        memcpy(cursor->id, grant->id, sizeof(cursor->id));
        cursor->begun = true;
    }
    *ret_count = page.count;
    return page.count == 0 ||
           store_apply(upgrade->context.store, apply_grants, &page, false, upgrade->error);
}

/* --- OAuth apps --- */

struct apps_page {
    struct oauth_app_row *rows; /* sealed as they are going to be */
    struct str *old;            /* STR_NULL: nothing to do */
    size_t count;
};

static bool apply_apps(struct db *db, void *argument, struct error *error)
{
    const struct apps_page *page = argument;
    for (size_t i = 0; i < page->count; i++) {
        if (page->old[i].data && !oauth_app_reseal(db, &page->rows[i], page->old[i], error))
            return false;
    }
    return true;
}

/* All at once: there is at most one for each connector. */
static bool upgrade_apps(struct upgrade *upgrade, struct store_reader *reader, void *argument,
                         size_t *ret_count)
{
    struct apps_page page = {0};
    (void)argument;
    if (!oauth_app_list(reader, &upgrade->arena, &page.rows, &page.count, upgrade->error))
        return false;
    store_reader_rest(reader);
    page.old = arena_array(&upgrade->arena, struct str, page.count + 1);
    for (size_t i = 0; i < page.count; i++) {
        struct oauth_app_row *app = &page.rows[i];
        struct seal_binding binding = oauth_app_binding(app->connector_type, app->client_id);
        struct str sealed;
        struct error why = {0};
        if (!seal_in_new_form(upgrade, &binding, app->sealed_secret, &sealed, &why))
            log_warn("The OAuth app for %.*s cannot be read: %s", STR_ARG(app->connector_type),
                     why.message);
        page.old[i] = sealed.data ? app->sealed_secret : STR_NULL;
        if (sealed.data)
            app->sealed_secret = sealed;
    }
    *ret_count = 0;
    return store_apply(upgrade->context.store, apply_apps, &page, false, upgrade->error);
}

bool profile_upgrade(struct store *store, const struct keyring *keyring, struct error *error)
{
    struct upgrade upgrade = {.context = {.store = store, .keyring = keyring}, .error = error};
    struct grants_cursor grants = {.begun = false};
    bool ok = each_page_of_keys(&upgrade, upgrade_profiles, PAGE) &&
              each_page_of_keys(&upgrade, upgrade_tokens, FSCK_PAGE) &&
              each_page(&upgrade, upgrade_grants, &grants, FSCK_PAGE) &&
              each_page(&upgrade, upgrade_apps, NULL, 1);
    arena_done(&upgrade.arena);
    return ok;
}
