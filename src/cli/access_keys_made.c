/* Creating access keys. The first one is on disk under a temporary name before it is stored. */
#include "cli/access_keys_made.h"

#include "api/authenticate.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/access_keys.h"
#include "store/client_tokens.h"
#include "vault/seal.h"
#include "wire/sigv4.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    GENERATED_ID = 20,     /* characters, as AWS's */
    GENERATED_SECRET = 40, /* characters, as AWS's: 240 bits */
    SECRET_MIN = 8,
    SECRET_MAX = 256,
    FIRST_KEY_WAIT_MS = 20 * 1000,
};

static void random_text(const char *letters, char *out, size_t len)
{
    size_t count = strlen(letters); /* a power of two, so that no letter is likelier */
    random_bytes(out, len);
    for (size_t i = 0; i < len; i++)
        out[i] = letters[(unsigned char)out[i] % count];
    out[len] = '\0';
}

bool made_key_check(const char *id, const char *secret, struct error *error)
{
    if (!id && !secret)
        return true;
    if (!id || !secret)
        return fail(error, ERR_VALIDATION,
                    "--access-key-id and --secret-access-key must be given together; without both "
                    "a new pair is generated.");
    if (!sigv4_access_key_id_is_valid(str_from(id)))
        return fail(error, ERR_VALIDATION,
                    "invalid value \"%.200s\" for --access-key-id: expected 1 to 128 letters, "
                    "digits, underscores, dots and dashes.",
                    id);
    if (strlen(secret) < SECRET_MIN || strlen(secret) > SECRET_MAX)
        return fail(error, ERR_VALIDATION,
                    "invalid value for --secret-access-key: expected %d to %d characters.",
                    SECRET_MIN, SECRET_MAX);
    return true;
}

void made_key_init(struct made_key *key, const char *id, const char *secret)
{
    char generated[GENERATED_SECRET + 1];
    *key = (struct made_key){0};
    if (id && secret) {
        memcpy(key->id, id, strlen(id) + 1);
        key->secret = secret_new(str_from(secret));
        return;
    }
    memcpy(key->id, "HGAK", 4);
    random_text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", key->id + 4, GENERATED_ID - 4);
    random_text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", generated,
                GENERATED_SECRET);
    key->secret = secret_new((struct str){generated, GENERATED_SECRET});
    explicit_bzero(generated, sizeof(generated));
}

void made_key_done(struct made_key *key)
{
    secret_free(key->secret);
    key->secret = NULL;
}

static bool apply_insert(struct db *db, void *argument, struct error *error)
{
    return access_key_insert(db, argument, error);
}

bool made_key_store(const struct made_key *key, const struct data_dir *data, const char *account,
                    struct error *error)
{
    struct arena arena = {0};
    struct access_key row = {
        .id = str_from(key->id), .account = str_from(account), .created_at_ms = clock_wall_ms()};
    struct seal_binding binding = access_key_binding(row.account, row.id);
    bool ok = seal_close(data->keys.keyring, &binding, secret_reveal(key->secret), &arena,
                         &row.sealed_secret, error) &&
              store_apply(data->store, apply_insert, &row, false, error);
    arena_done(&arena);
    return ok;
}

bool made_key_write(const struct made_key *key, const char *path, struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(error, ERR_INTERNAL, "The access key cannot be written to %s: %s.", path,
                    strerror(errno));
    struct str text = secret_reveal(key->secret);
    bool ok = dprintf(fd, "[default]\naws_access_key_id = %s\naws_secret_access_key = %.*s\n",
                      key->id, STR_ARG(text)) > 0 &&
              fsync(fd) == 0;
    if (close(fd) == 0 && ok)
        return true;
    fail(error, ERR_INTERNAL, "Writing %s failed: %s.", path, strerror(errno));
    unlink(path);
    return false;
}

static bool has_keys(struct store *store, bool *ret_any, struct error *error)
{
    struct arena arena = {0};
    struct store_reader *reader;
    struct access_key *keys;
    size_t count = 0;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = access_key_list(reader, &arena, &keys, &count, error);
    store_reader_put(store, reader);
    arena_done(&arena);
    *ret_any = count > 0;
    return ok;
}

void first_key_path(const struct data_dir *data, char out[DATA_PATH_SIZE])
{
    snprintf(out, DATA_PATH_SIZE, "%s/credentials", data->path);
}

static bool make_and_keep(const struct data_dir *data, const char *account, const char *temporary,
                          struct error *error)
{
    struct made_key key;
    unlink(temporary); /* of a start that was killed before it stored the key */
    made_key_init(&key, NULL, NULL);
    bool ok = made_key_write(&key, temporary, error) && made_key_store(&key, data, account, error);
    made_key_done(&key);
    return ok;
}

static bool make_first(const struct data_dir *data, const char *account, struct error *error)
{
    char path[DATA_PATH_SIZE], temporary[DATA_PATH_SIZE + 4];
    bool any = false;
    first_key_path(data, path);
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    if (!has_keys(data->store, &any, error))
        return false;
    if (!any && access(path, F_OK) == 0)
        return fail(error, ERR_INTERNAL,
                    "There is no access key yet, but %s exists and is not overwritten. Move it "
                    "away, or create a key with: headgate access-key create",
                    path);
    if (!any && !make_and_keep(data, account, temporary, error))
        return false;
    if (access(temporary, F_OK) != 0)
        return true;
    if (rename(temporary, path) != 0)
        return fail(error, ERR_INTERNAL, "%s cannot be renamed to %s: %s.", temporary, path,
                    strerror(errno));
    log_info("Created an access key for account %s in %s (AWS credentials format).", account, path);
    return true;
}

/* Of several nodes that start on a new database, one creates it. */
bool first_key_make(const struct data_dir *data, const char *account, struct error *error)
{
    static const unsigned char no_hash[REQUEST_HASH_SIZE];
    const struct client_token key = {STR(""), STR(""), STR("first-access-key"), STR("")};
    struct arena arena = {0};
    struct idempotency_claim *claim;
    enum client_token_state state;
    struct str answer;
    if (!client_token_claim(data->store, &arena, &key, no_hash, FIRST_KEY_WAIT_MS, &state, &claim,
                            &answer, error))
        return false;
    bool ok = state == CLIENT_TOKEN_CLAIMED
                  ? make_first(data, account, error)
                  : fail(error, ERR_UNAVAILABLE, "Another node is creating the first access key.");
    client_token_release(data->store, claim);
    arena_done(&arena);
    return ok;
}
