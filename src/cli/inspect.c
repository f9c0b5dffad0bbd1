/* The database first: what stands on damaged pages is read no further. */
#include "cli/inspect.h"

#include "api/authenticate.h"
#include "profile/grant_journal.h"
#include "profile/oauth_app_store.h"
#include "profile/seal.h"
#include "profile/tokens.h"
#include "store/access_keys.h"
#include "store/fsck.h"
#include "store/meta.h"
#include "vault/seal.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

struct inspection {
    struct store_check *inspection;
    struct store_reader *reader;
    struct arena arena; /* for a page of rows */
    struct error *error;
};

static void problem(struct inspection *look, struct str text)
{
    look->inspection->tell(arena_cstr(&look->arena, text));
    look->inspection->problems++;
}

/* --- seals --- */

static void check_seal(struct inspection *look, const struct seal_binding *binding,
                       struct str sealed, struct str what)
{
    struct error reason = {0};
    struct str plain;
    if (!seal_open(look->inspection->keyring, binding, sealed, &look->arena, &plain, &reason))
        problem(look, arena_printf(&look->arena, "%.*s: %s", STR_ARG(what), reason.message));
}

static struct str name_of(struct inspection *look, const struct profile_key *key)
{
    return arena_printf(&look->arena, "Profile %.*s (account %.*s, %.*s)", STR_ARG(key->name),
                        STR_ARG(key->account), STR_ARG(key->region));
}

static void check_profile(struct inspection *look, const struct profile *profile)
{
    struct seal_binding binding = profile_seal_binding(profile);
    struct value *properties;
    struct str what = name_of(look, &profile->key);
    check_seal(look, &binding, profile->sealed_credentials,
               arena_printf(&look->arena, "%.*s: its credentials", STR_ARG(what)));
    if (!json_parse(profile->properties, &look->arena, &properties))
        problem(look,
                arena_printf(&look->arena, "%.*s: its properties cannot be read.", STR_ARG(what)));
    look->inspection->profiles++;
}

/* Where the next page begins; outlives the arena of the page. */
struct cursor {
    char account[64], region[64], name[512];
};

static struct profile_key cursor_key(const struct cursor *cursor)
{
    return (struct profile_key){str_from(cursor->account), str_from(cursor->region),
                                str_from(cursor->name)};
}

static void cursor_set(struct cursor *cursor, const struct profile_key *key)
{
    snprintf(cursor->account, sizeof(cursor->account), "%.*s", STR_ARG(key->account));
    snprintf(cursor->region, sizeof(cursor->region), "%.*s", STR_ARG(key->region));
    snprintf(cursor->name, sizeof(cursor->name), "%.*s", STR_ARG(key->name));
}

static bool check_profiles(struct inspection *look)
{
    struct cursor cursor = {0};
    struct profile *profiles;
    size_t count;
    do {
        if (!fsck_profiles(look->reader, &look->arena, cursor_key(&cursor), &profiles, &count,
                           look->error))
            return false;
        for (size_t i = 0; i < count; i++)
            check_profile(look, &profiles[i]);
        if (count > 0)
            cursor_set(&cursor, &profiles[count - 1].key);
        arena_reset(&look->arena);
    } while (count == FSCK_PAGE);
    return true;
}

static bool check_oauth_tokens(struct inspection *look)
{
    struct cursor cursor = {0};
    struct oauth_tokens_owned *tokens;
    size_t count;
    do {
        if (!fsck_oauth_tokens(look->reader, &look->arena, cursor_key(&cursor), &tokens, &count,
                               look->error))
            return false;
        for (size_t i = 0; i < count; i++) {
            struct seal_binding binding =
                profile_tokens_binding(&tokens[i].key, &tokens[i].row, &look->arena);
            struct str what = name_of(look, &tokens[i].key);
            check_seal(look, &binding, tokens[i].row.sealed,
                       arena_printf(&look->arena, "%.*s: its OAuth tokens", STR_ARG(what)));
        }
        if (count > 0)
            cursor_set(&cursor, &tokens[count - 1].key);
        look->inspection->oauth_tokens += count;
        arena_reset(&look->arena);
    } while (count == FSCK_PAGE);
    return true;
}

static bool check_token_grants(struct inspection *look)
{
    unsigned char after[TOKEN_GRANT_ID_SIZE];
    bool begun = false;
    struct token_grant *grants;
    size_t count;
    do {
        if (!fsck_token_grants(look->reader, &look->arena, begun ? after : NULL, &grants, &count,
                               look->error))
            return false;
        for (size_t i = 0; i < count; i++) {
            const struct token_grant *each = &grants[i];
            struct profile_key key = {each->account, each->region, each->profile};
            struct seal_binding binding = token_grant_seal_binding(each->id, &key, &look->arena);
            struct str what = name_of(look, &key);
            check_seal(
                look, &binding, each->sealed,
                arena_printf(&look->arena, "%.*s: tokens for its next change", STR_ARG(what)));
            memcpy(after, each->id, sizeof(after));
            begun = true;
        }
        look->inspection->token_grants += count;
        arena_reset(&look->arena);
    } while (count == FSCK_PAGE);
    return true;
}

static bool check_access_keys(struct inspection *look)
{
    struct access_key *keys;
    size_t count;
    if (!access_key_list(look->reader, &look->arena, &keys, &count, look->error))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct seal_binding binding = access_key_binding(keys[i].account, keys[i].id);
        check_seal(look, &binding, keys[i].sealed_secret,
                   arena_printf(&look->arena, "Access key %.*s", STR_ARG(keys[i].id)));
    }
    look->inspection->access_keys = count;
    arena_reset(&look->arena);
    return true;
}

static bool check_oauth_apps(struct inspection *look)
{
    struct oauth_app_row *apps;
    size_t count;
    if (!oauth_app_list(look->reader, &look->arena, &apps, &count, look->error))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct seal_binding binding = oauth_app_binding(apps[i].connector_type);
        check_seal(
            look, &binding, apps[i].sealed_secret,
            arena_printf(&look->arena, "OAuth app for %.*s", STR_ARG(apps[i].connector_type)));
    }
    look->inspection->oauth_apps = count;
    arena_reset(&look->arena);
    return true;
}

/* --- rows that went back --- */

static const char *story_of(const struct strayed_profile *strayed)
{
    if (strayed->version == 0)
        return "is missing, although the audit records no deletion.";
    if (strayed->version < strayed->deleted)
        return "exists, although the audit records its deletion.";
    if (strayed->version < strayed->made)
        return "was rolled back to an older version than its last change.";
    return "has a version that the audit does not record.";
}

static bool check_versions(struct inspection *look)
{
    struct strayed_profile *strayed;
    size_t count;
    if (!fsck_strayed(look->reader, &look->arena, &strayed, &count, look->error))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct str what = name_of(look, &strayed[i].key);
        problem(look, arena_printf(&look->arena, "%.*s %s", STR_ARG(what), story_of(&strayed[i])));
    }
    arena_reset(&look->arena);
    return true;
}

/* A restore may be intended: a warning, not a problem. */
static bool check_rollback(struct inspection *look, struct store *store)
{
    struct str warning;
    if (!fsck_rollback(store, look->reader, &look->arena, &warning, look->error))
        return false;
    if (warning.data)
        look->inspection->tell(arena_cstr(
            &look->arena, arena_printf(&look->arena, "Warning: %.*s", STR_ARG(warning))));
    return true;
}

bool inspect(struct store_check *inspection, struct store *store, struct error *error)
{
    struct inspection look = {.inspection = inspection, .error = error};
    if (!fsck_database(store, error) || !store_reader_take(store, &look.reader, error))
        return false;
    bool ok = check_profiles(&look) && check_oauth_tokens(&look) && check_token_grants(&look) &&
              check_access_keys(&look) && check_oauth_apps(&look) && check_versions(&look) &&
              check_rollback(&look, store);
    store_reader_put(store, look.reader);
    arena_done(&look.arena);
    return ok;
}
