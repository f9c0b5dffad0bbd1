/* The sealed service secret doubles as the proof that keyring and database belong together. */
#include "api/service_keys.h"

#include "store/meta.h"
#include "vault/seal.h"

#include <unistd.h>

enum { SERVICE_SECRET_SIZE = 32 };

static const struct seal_binding binding = {
    .purpose = STR("service-secret"), .account = STR(""), .region = STR(""), .name = STR("")};

static bool read_sealed(struct store *store, struct arena *arena, struct str *ret_sealed,
                        struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = meta_get(reader, arena, STR("service-secret"), ret_sealed, error);
    store_reader_put(store, reader);
    return ok;
}

static bool apply_put(struct db *db, void *argument, struct error *error)
{
    return meta_put_once(db, STR("service-secret"), *(struct str *)argument, error);
}

static bool make_secret(struct store *store, const struct keyring *keyring, struct arena *arena,
                        struct error *error)
{
    struct secret *fresh = secret_random(SERVICE_SECRET_SIZE);
    struct str sealed;
    bool ok = seal_close(keyring, &binding, secret_reveal(fresh), arena, &sealed, error) &&
              store_apply(store, apply_put, &sealed, false, error);
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

static bool open_secret(struct store *store, const struct service_keys *keys, struct arena *arena,
                        struct secret **ret_secret, struct error *error)
{
    struct str sealed, plain;
    struct error reason = {0};
    if (!read_sealed(store, arena, &sealed, error))
        return false;
    if (!seal_open(keys->keyring, &binding, sealed, arena, &plain, &reason))
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
        !open_or_make_keyring(store, source, !sealed.data, keys, error))
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

bool service_keys_check(struct store *store, const struct keyring *keyring, struct arena *arena,
                        struct error *error)
{
    struct str sealed, plain;
    if (!read_sealed(store, arena, &sealed, error))
        return false;
    if (!sealed.data)
        return fail(error, ERR_UNAVAILABLE, "The store has lost the service secret.");
    return seal_open(keyring, &binding, sealed, arena, &plain, error);
}

void service_keys_done(struct service_keys *keys)
{
    secret_free(keys->service_secret);
    if (keys->keyring)
        keyring_free(keys->keyring);
    *keys = (struct service_keys){0};
}
