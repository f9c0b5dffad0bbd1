/* The sealed service secret doubles as the proof that keyring and database belong together. */
#include "api/service_keys.h"

#include "api/access_key_set.h"
#include "api/key_state.h"
#include "store/meta.h"
#include "vault/seal.h"

#include <unistd.h>

enum { SERVICE_SECRET_SIZE = 32 };

const struct seal_binding service_secret_binding = {.purpose = STR("service-secret")};

static bool read_sealed(struct store *store, struct arena *arena, struct str *ret_sealed,
                        struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = meta_get(reader, arena, SERVICE_SECRET_NAME, ret_sealed, error);
    store_reader_put(store, reader);
    return ok;
}

struct first_values {
    struct str secret, key_state; /* sealed */
};

static bool apply_first(struct db *db, void *argument, struct error *error)
{
    const struct first_values *first = argument;
    bool put;
    return meta_put_once(db, SERVICE_SECRET_NAME, first->secret, &put, error) &&
           (!put || access_key_state_put(db, first->key_state, &put, error));
}

static bool make_secret(struct store *store, const struct keyring *keyring, struct arena *arena,
                        struct error *error)
{
    struct secret *fresh = secret_random(SERVICE_SECRET_SIZE);
    struct first_values first;
    bool ok = seal_close(keyring, &service_secret_binding, secret_reveal(fresh), arena,
                         &first.secret, error) &&
              access_key_state_first(keyring, arena, &first.key_state, error) &&
              store_apply(store, apply_first, &first, false, error);
    secret_free(fresh);
    return ok;
}

static bool fail_missing(const struct store *store, const char *path, struct error *error)
{
    if (store_is_remote(store))
        return fail(error, ERR_INTERNAL,
                    "The keyring %s is missing, but the database holds credentials encrypted with "
                    "it. Copy the keyring of a node that uses this database to %s, or name it with "
                    "--keyring.",
                    path, path);
    return fail(error, ERR_INTERNAL,
                "The keyring %s is missing, but the database holds credentials encrypted with it. "
                "Restore it from your backup, or name it with --keyring. Without it the "
                "credentials cannot be decrypted by anyone; to start with an empty database, use "
                "another --data.",
                path);
}

/* A keyring is made only beside a database that nothing was sealed in. */
static bool open_or_make_keyring(const struct store *store, const struct keyring_source *source,
                                 bool database_is_new, struct service_keys *keys,
                                 struct error *error)
{
    bool missing = source->path && access(source->path, F_OK) != 0;
    if (missing && !database_is_new)
        return fail_missing(store, source->path, error);
    if (missing && !keyring_create(source->path, error))
        return false;
    keys->keyring_created = missing;
    return keyring_open(source, &keys->keyring, error);
}

/* Before anything is sealed. */
static bool heed_state(struct store *store, struct keyring *keyring, struct error *error)
{
    struct key_state state;
    if (!key_state_read(store, &state, error))
        return false;
    key_state_heed(&state, keyring);
    return true;
}

static bool open_secret(struct store *store, struct service_keys *keys, struct arena *arena,
                        struct secret **ret_secret, struct error *error)
{
    struct str sealed, plain;
    struct error reason = {0};
    if (!read_sealed(store, arena, &sealed, error))
        return false;
    keys->database_is_old = seal_is_old(sealed);
    bool opened =
        keys->database_is_old
            ? seal_open_old(keys->keyring, &service_secret_binding, sealed, arena, &plain, &reason)
            : seal_open(keys->keyring, &service_secret_binding, sealed, arena, &plain, &reason);
    if (!opened)
        return fail(
            error, ERR_INTERNAL,
            "This keyring does not decrypt the database: %s Start with the keyring that the "
            "database was created with (--keyring FILE or --keyring-command COMMAND).",
            reason.message);
    *ret_secret = secret_new(plain);
    return true;
}

static bool open_keys(struct store *store, const struct keyring_source *source, struct arena *arena,
                      struct service_keys *keys, struct error *error)
{
    struct str sealed;
    if (!read_sealed(store, arena, &sealed, error) ||
        !open_or_make_keyring(store, source, !sealed.data, keys, error) ||
        !heed_state(store, keys->keyring, error))
        return false;
    if (!sealed.data && !make_secret(store, keys->keyring, arena, error))
        return false;
    return open_secret(store, keys, arena, &keys->service_secret, error);
}

bool service_keys_open(struct store *store, const struct keyring_source *source,
                       struct service_keys *ret_keys, struct error *error)
{
    struct arena arena = {0};
    *ret_keys = (struct service_keys){0};
    bool ok = open_keys(store, source, &arena, ret_keys, error);
    arena_done(&arena);
    if (!ok)
        service_keys_done(ret_keys);
    return ok;
}

struct replacement {
    struct str old, sealed;
};

/* Where another node was first, it is done already. */
static bool apply_upgrade(struct db *db, void *argument, struct error *error)
{
    const struct replacement *replacement = argument;
    bool replaced;
    return meta_replace(db, SERVICE_SECRET_NAME, replacement->old, replacement->sealed, &replaced,
                        error);
}

bool service_keys_upgrade(struct store *store, struct service_keys *keys, struct error *error)
{
    struct arena arena = {0};
    struct replacement replacement;
    bool ok = read_sealed(store, &arena, &replacement.old, error) &&
              seal_close(keys->keyring, &service_secret_binding,
                         secret_reveal(keys->service_secret), &arena, &replacement.sealed, error) &&
              (!seal_is_old(replacement.old) ||
               store_apply(store, apply_upgrade, &replacement, false, error));
    arena_done(&arena);
    keys->database_is_old = !ok;
    return ok;
}

bool service_keys_check(struct store *store, const struct keyring *keyring, struct arena *arena,
                        struct error *error)
{
    struct str sealed, plain;
    if (!read_sealed(store, arena, &sealed, error))
        return false;
    if (!sealed.data)
        return fail(error, ERR_UNAVAILABLE, "The store has lost the service secret.");
    return seal_open(keyring, &service_secret_binding, sealed, arena, &plain, error);
}

void service_keys_done(struct service_keys *keys)
{
    secret_free(keys->service_secret);
    if (keys->keyring)
        keyring_free(keys->keyring);
    *keys = (struct service_keys){0};
}
