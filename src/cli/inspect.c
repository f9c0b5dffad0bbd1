/* The database first: what stands on damaged pages is read no further. */
#include "cli/inspect_internal.h"

#include "api/access_key_set.h"
#include "api/generation_floor.h"
#include "profile/envelope.h"
#include "profile/grant_seal.h"
#include "profile/oauth_app_store.h"
#include "profile/seal.h"
#include "profile/tokens.h"
#include "store/access_keys.h"
#include "store/audit_verify.h"
#include "store/fsck.h"
#include "store/meta.h"
#include "store/previous_credentials.h"
#include "vault/seal.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

void inspect_problem(struct inspection *look, struct str text)
{
    look->inspection->tell(arena_cstr(&look->arena, text));
    look->inspection->problems++;
}

/* --- seals --- */

static void check_seal(struct inspection *look, const struct seal_binding *binding,
                       struct str sealed, struct str what)
{
    struct error reason = {0};
    struct str object;
    if (!envelope_outline(look->inspection->keyring, binding, sealed, &look->arena, &object,
                          &reason))
        inspect_problem(look,
                        arena_printf(&look->arena, "%.*s: %s", STR_ARG(what), reason.message));
}

static struct str name_of(struct inspection *look, const struct profile_key *key)
{
    return arena_printf(&look->arena, "Profile %.*s (account %.*s, %.*s)", STR_ARG(key->name),
                        STR_ARG(key->account), STR_ARG(key->region));
}

static void check_profile(struct inspection *look, const struct profile *profile)
{
    struct seal_binding binding = profile_seal_binding(profile, &look->arena);
    struct value *properties;
    struct str what = name_of(look, &profile->key);
    check_seal(look, &binding, profile->sealed_credentials,
               arena_printf(&look->arena, "%.*s: its credentials", STR_ARG(what)));
    if (!json_parse(profile->properties, &look->arena, &properties))
        inspect_problem(look, arena_printf(&look->arena, "%.*s: its properties cannot be read.",
                                           STR_ARG(what)));
    look->inspection->profiles++;
}

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

static void check_previous(struct inspection *look, const struct profile *previous)
{
    struct seal_binding binding = profile_seal_binding(previous, &look->arena);
    struct str what = name_of(look, &previous->key);
    check_seal(look, &binding, previous->sealed_credentials,
               arena_printf(&look->arena, "%.*s: its previous credentials", STR_ARG(what)));
    look->inspection->previous++;
}

static bool check_whole_profiles(struct inspection *look, list_profiles_fn *list,
                                 void (*check)(struct inspection *look,
                                               const struct profile *profile))
{
    struct cursor cursor = {0};
    struct profile *profiles;
    size_t count;
    do {
        if (!list(look->reader, &look->arena, cursor_key(&cursor), STR_NULL, FSCK_PAGE, &profiles,
                  &count, look->error))
            return false;
        for (size_t i = 0; i < count; i++)
            check(look, &profiles[i]);
        if (count > 0)
            cursor_set(&cursor, &profiles[count - 1].key);
        arena_reset(&look->arena);
    } while (count == FSCK_PAGE);
    return true;
}

static bool check_rows_of_tokens(struct inspection *look, list_tokens_fn *list, const char *whose,
                                 size_t *counted)
{
    struct cursor cursor = {0};
    struct oauth_tokens_owned *tokens;
    size_t count;
    do {
        if (!list(look->reader, &look->arena, cursor_key(&cursor), STR_NULL, &tokens, &count,
                  look->error))
            return false;
        for (size_t i = 0; i < count; i++) {
            struct seal_binding binding =
                profile_tokens_binding(&tokens[i].key, &tokens[i].row, &look->arena);
            struct str what = name_of(look, &tokens[i].key);
            check_seal(look, &binding, tokens[i].row.sealed,
                       arena_printf(&look->arena, "%.*s: %s", STR_ARG(what), whose));
        }
        if (count > 0)
            cursor_set(&cursor, &tokens[count - 1].key);
        *counted += count;
        arena_reset(&look->arena);
    } while (count == FSCK_PAGE);
    return true;
}

static bool check_profiles(struct inspection *look)
{
    return check_whole_profiles(look, profile_list_all, check_profile) &&
           check_whole_profiles(look, previous_list_all, check_previous);
}

static bool check_oauth_tokens(struct inspection *look)
{
    return check_rows_of_tokens(look, fsck_oauth_tokens, "its OAuth tokens",
                                &look->inspection->oauth_tokens) &&
           check_rows_of_tokens(look, fsck_previous_tokens,
                                "the OAuth tokens of its previous credentials",
                                &look->inspection->oauth_tokens);
}

static bool check_token_grants(struct inspection *look)
{
    unsigned char after[TOKEN_GRANT_ID_SIZE];
    bool begun = false;
    struct token_grant *grants;
    size_t count;
    do {
        if (!fsck_token_grants(look->reader, &look->arena, begun ? after : NULL, STR_NULL, &grants,
                               &count, look->error))
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

struct revived_keys {
    struct str *ids;
    size_t count;
};

static bool is_revived(const struct revived_keys *revived, struct str id)
{
    for (size_t i = 0; i < revived->count; i++) {
        if (str_eq(revived->ids[i], id))
            return true;
    }
    return false;
}

/* A key whose version is not the current generation is refused; its seal may still fit its row. One
 * that was put back with the state of all keys works, but the audit knows of its deletion. */
static bool check_access_key(struct inspection *look, const struct access_key *key,
                             const struct revived_keys *revived, int64_t generation)
{
    struct seal_binding binding = access_key_binding(key);
    bool is_current = key->version == generation;
    if (is_current)
        check_seal(look, &binding, key->sealed_secret,
                   arena_printf(&look->arena, "Access key %.*s", STR_ARG(key->id)));
    else
        inspect_problem(look,
                        arena_printf(&look->arena,
                                     "Access key %.*s: it was deleted or replaced, and its row was "
                                     "put back into the database. It is refused; delete it.",
                                     STR_ARG(key->id)));
    if (is_current && is_revived(revived, key->id))
        inspect_problem(look, arena_printf(&look->arena,
                                           "Access key %.*s exists, although the audit records its "
                                           "deletion. Delete it.",
                                           STR_ARG(key->id)));
    return is_current;
}

/* The state says how many keys there are, and the node's record which generation they had. */
static void check_key_state(struct inspection *look, const struct access_key_state *state,
                            int64_t current)
{
    struct error error = {0};
    if (current < state->count)
        inspect_problem(
            look, arena_printf(&look->arena,
                               "Access keys: %lld of %lld are missing, although they were not "
                               "deleted by Headgate.",
                               (long long)(state->count - current), (long long)state->count));
    if (!generation_floor_admit(look->inspection->key_generations, state->generation, &error))
        inspect_problem(look, str_from(error.message));
}

static bool check_access_keys(struct inspection *look)
{
    struct access_key *keys;
    struct revived_keys revived;
    struct access_key_state state;
    struct str sealed;
    struct error error = {0};
    size_t count;
    int64_t current = 0;
    if (!access_key_state_get(look->reader, &look->arena, &sealed, look->error) ||
        !fsck_revived_keys(look->reader, &look->arena, &revived.ids, &revived.count, look->error) ||
        !access_key_list(look->reader, &look->arena, &keys, &count, look->error))
        return false;
    look->inspection->access_keys = count;
    if (access_key_state_open(look->inspection->keyring, sealed, &look->arena, &state, &error)) {
        for (size_t i = 0; i < count; i++)
            current += check_access_key(look, &keys[i], &revived, state.generation);
        check_key_state(look, &state, current);
    } else {
        inspect_problem(look, arena_printf(&look->arena, "Access keys: %s", error.message));
    }
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
        struct seal_binding binding = oauth_app_binding(apps[i].connector_type, apps[i].client_id);
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
        inspect_problem(
            look, arena_printf(&look->arena, "%.*s %s", STR_ARG(what), story_of(&strayed[i])));
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

static bool check_audit(struct inspection *look, struct store *store)
{
    struct audit_check check = {.tell = look->inspection->tell};
    bool ok = audit_verify(store, look->reader, &check, look->error);
    look->inspection->problems += check.problems;
    return ok;
}

bool inspect(struct store_check *inspection, struct store *store, struct error *error)
{
    struct inspection look = {.inspection = inspection, .error = error};
    if (!fsck_database(store, error) || !store_reader_take(store, &look.reader, error))
        return false;
    bool ok = check_profiles(&look) && check_oauth_tokens(&look) && check_token_grants(&look) &&
              check_access_keys(&look) && check_oauth_apps(&look) && inspect_connectors(&look) &&
              inspect_flows(&look) && inspect_flow_runs(&look) && inspect_schedules(&look) &&
              check_versions(&look) && check_rollback(&look, store) && check_audit(&look, store);
    store_reader_put(store, look.reader);
    arena_done(&look.arena);
    return ok;
}
