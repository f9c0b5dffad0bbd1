/* Pages of values that are sealed with another key, in the order of the keys of their tables; a
 * transaction a page, which is short, so that changes of requests pass between two of them. */
#include "profile/renew.h"

#include "base/fault.h"
#include "base/log.h"
#include "profile/grant_seal.h"
#include "profile/oauth_app_store.h"
#include "profile/seal.h"
#include "profile/tokens.h"
#include "store/fsck.h"
#include "store/meta.h"
#include "store/previous_credentials.h"
#include "store/sealed.h"

#include <string.h>

struct renewed_page {
    const struct renewed *values;
    size_t count;
    renewed_replace_fn *replace;
};

static bool apply_page(struct db *db, void *argument, struct error *error)
{
    const struct renewed_page *page = argument;
    for (size_t i = 0; i < page->count; i++) {
        const struct renewed *value = &page->values[i];
        if (value->fresh.data && !page->replace(db, value, error))
            return false;
    }
    return true;
}

static void warn(const struct renewed *value, const struct error *why)
{
    const struct seal_binding *binding = &value->binding;
    log_warn("A value cannot be opened and keeps its key (%.*s; account %.*s, %.*s, %.*s): %s",
             STR_ARG(binding->purpose), STR_ARG(binding->account), STR_ARG(binding->region),
             STR_ARG(binding->name), why->message);
}

bool renewal_page(struct renewal *renewal, struct renewed *values, size_t count,
                  renewed_replace_fn *replace, struct error *error)
{
    struct renewed_page page = {values, count, replace};
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        struct error why = {0};
        values[i].fresh = STR_NULL;
        if (seal_renew(renewal->keyring, &values[i].binding, values[i].old, &renewal->arena,
                       &values[i].fresh, &why))
            continue;
        values[i].fresh = STR_NULL;
        renewal->unreadable++;
        warn(&values[i], &why);
    }
    if (!store_apply(renewal->store, apply_page, &page, false, error))
        return false;
    renewal->done += count;
    fault_point("key:page");
    if (renewal->tell)
        renewal->tell(renewal);
    return true;
}

/* --- each table --- */

/* Where the next page begins; outlives the arena of the page. */
struct renewal_cursor {
    struct arena arena;
    struct profile_key key;
    unsigned char grant[TOKEN_GRANT_ID_SIZE];
    bool begun;
};

static void move_cursor(struct renewal_cursor *cursor, struct profile_key key)
{
    struct arena arena = {0};
    cursor->key = profile_key_copy(&arena, key);
    arena_done(&cursor->arena);
    cursor->arena = arena;
}

/* Reads a page behind the cursor, and moves it. */
typedef bool read_fn(struct renewal *renewal, struct store_reader *reader,
                     struct renewal_cursor *cursor, struct renewed **ret_values, size_t *ret_count,
                     struct error *error);

static bool read_whole_profiles(struct renewal *renewal, list_profiles_fn *list,
                                struct store_reader *reader, struct renewal_cursor *cursor,
                                struct renewed **ret_values, size_t *ret_count, struct error *error)
{
    struct arena *arena = &renewal->arena;
    struct profile *rows;
    if (!list(reader, arena, cursor->key, keyring_primary_id(renewal->keyring), FSCK_RENEW_PAGE,
              &rows, ret_count, error))
        return false;
    *ret_values = arena_array(arena, struct renewed, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_values)[i] = (struct renewed){.binding = profile_seal_binding(&rows[i], arena),
                                            .old = rows[i].sealed_credentials,
                                            .row = &rows[i]};
    if (*ret_count > 0)
        move_cursor(cursor, rows[*ret_count - 1].key);
    return true;
}

static bool read_profiles(struct renewal *renewal, struct store_reader *reader,
                          struct renewal_cursor *cursor, struct renewed **ret_values,
                          size_t *ret_count, struct error *error)
{
    return read_whole_profiles(renewal, profile_list_all, reader, cursor, ret_values, ret_count,
                               error);
}

static bool read_previous(struct renewal *renewal, struct store_reader *reader,
                          struct renewal_cursor *cursor, struct renewed **ret_values,
                          size_t *ret_count, struct error *error)
{
    return read_whole_profiles(renewal, previous_list_all, reader, cursor, ret_values, ret_count,
                               error);
}

static bool replace_profile(struct db *db, const struct renewed *value, struct error *error)
{
    const struct profile *row = value->row;
    return sealed_profile_replace(db, row->key, value->fresh, value->old, error);
}

static bool replace_previous(struct db *db, const struct renewed *value, struct error *error)
{
    const struct profile *row = value->row;
    return previous_reseal(db, row->key, value->fresh, value->old, error);
}

static bool read_rows_of_tokens(struct renewal *renewal, list_tokens_fn *list,
                                struct store_reader *reader, struct renewal_cursor *cursor,
                                struct renewed **ret_values, size_t *ret_count, struct error *error)
{
    struct arena *arena = &renewal->arena;
    struct oauth_tokens_owned *rows;
    if (!list(reader, arena, cursor->key, keyring_primary_id(renewal->keyring), &rows, ret_count,
              error))
        return false;
    *ret_values = arena_array(arena, struct renewed, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_values)[i] =
            (struct renewed){.binding = profile_tokens_binding(&rows[i].key, &rows[i].row, arena),
                             .old = rows[i].row.sealed,
                             .row = &rows[i]};
    if (*ret_count > 0)
        move_cursor(cursor, rows[*ret_count - 1].key);
    return true;
}

static bool read_tokens(struct renewal *renewal, struct store_reader *reader,
                        struct renewal_cursor *cursor, struct renewed **ret_values,
                        size_t *ret_count, struct error *error)
{
    return read_rows_of_tokens(renewal, fsck_oauth_tokens, reader, cursor, ret_values, ret_count,
                               error);
}

static bool read_previous_tokens(struct renewal *renewal, struct store_reader *reader,
                                 struct renewal_cursor *cursor, struct renewed **ret_values,
                                 size_t *ret_count, struct error *error)
{
    return read_rows_of_tokens(renewal, fsck_previous_tokens, reader, cursor, ret_values, ret_count,
                               error);
}

static bool replace_tokens(struct db *db, const struct renewed *value, struct error *error)
{
    const struct oauth_tokens_owned *row = value->row;
    return oauth_tokens_reseal(db, row->key, value->fresh, value->old, error);
}

static bool replace_previous_tokens(struct db *db, const struct renewed *value, struct error *error)
{
    const struct oauth_tokens_owned *row = value->row;
    return previous_tokens_reseal(db, row->key, value->fresh, value->old, error);
}

static bool read_grants(struct renewal *renewal, struct store_reader *reader,
                        struct renewal_cursor *cursor, struct renewed **ret_values,
                        size_t *ret_count, struct error *error)
{
    struct arena *arena = &renewal->arena;
    struct token_grant *rows;
    if (!fsck_token_grants(reader, arena, cursor->begun ? cursor->grant : NULL,
                           keyring_primary_id(renewal->keyring), &rows, ret_count, error))
        return false;
    *ret_values = arena_array(arena, struct renewed, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        struct profile_key key = {rows[i].account, rows[i].region, rows[i].profile};
        (*ret_values)[i] =
            (struct renewed){.binding = token_grant_seal_binding(rows[i].id, &key, arena),
                             .old = rows[i].sealed,
                             .row = &rows[i]};
        memcpy(cursor->grant, rows[i].id, sizeof(cursor->grant));
        cursor->begun = true;
    }
    return true;
}

static bool replace_grant(struct db *db, const struct renewed *value, struct error *error)
{
    struct token_grant row = *(const struct token_grant *)value->row;
    row.sealed = value->fresh;
    return token_grant_reseal(db, &row, value->old, error);
}

/* All at once: there is at most one for each connector. */
static bool read_apps(struct renewal *renewal, struct store_reader *reader,
                      struct renewal_cursor *cursor, struct renewed **ret_values, size_t *ret_count,
                      struct error *error)
{
    struct oauth_app_row *rows;
    struct str in_use = keyring_primary_id(renewal->keyring);
    size_t all = 0;
    *ret_count = 0;
    if (cursor->begun)
        return true;
    cursor->begun = true;
    if (!oauth_app_list(reader, &renewal->arena, &rows, &all, error))
        return false;
    *ret_values = arena_array(&renewal->arena, struct renewed, all + 1);
    for (size_t i = 0; i < all; i++) {
        if (!str_eq(seal_key_id(rows[i].sealed_secret), in_use))
            (*ret_values)[(*ret_count)++] = (struct renewed){
                .binding = oauth_app_binding(rows[i].connector_type, rows[i].client_id),
                .old = rows[i].sealed_secret,
                .row = &rows[i]};
    }
    return true;
}

static bool replace_app(struct db *db, const struct renewed *value, struct error *error)
{
    struct oauth_app_row row = *(const struct oauth_app_row *)value->row;
    row.sealed_secret = value->fresh;
    return oauth_app_reseal(db, &row, value->old, error);
}

/* A reader is held for the reading of a page only. */
static bool renew_page(struct renewal *renewal, read_fn *read, renewed_replace_fn *replace,
                       struct renewal_cursor *cursor, size_t *ret_count, struct error *error)
{
    struct store_reader *reader;
    struct renewed *values = NULL;
    if (!store_reader_take(renewal->store, &reader, error))
        return false;
    bool ok = read(renewal, reader, cursor, &values, ret_count, error);
    store_reader_put(renewal->store, reader);
    ok = ok && renewal_page(renewal, values, *ret_count, replace, error);
    arena_reset(&renewal->arena);
    return ok;
}

static bool renew_table(struct renewal *renewal, read_fn *read, renewed_replace_fn *replace,
                        struct error *error)
{
    struct renewal_cursor cursor = {.key = {STR(""), STR(""), STR("")}};
    size_t count = 1;
    bool ok = true;
    while (ok && count > 0)
        ok = renew_page(renewal, read, replace, &cursor, &count, error);
    arena_done(&cursor.arena);
    return ok;
}

bool profile_renew(struct renewal *renewal, struct error *error)
{
    return renew_table(renewal, read_profiles, replace_profile, error) &&
           renew_table(renewal, read_previous, replace_previous, error) &&
           renew_table(renewal, read_tokens, replace_tokens, error) &&
           renew_table(renewal, read_previous_tokens, replace_previous_tokens, error) &&
           renew_table(renewal, read_grants, replace_grant, error) &&
           renew_table(renewal, read_apps, replace_app, error);
}
