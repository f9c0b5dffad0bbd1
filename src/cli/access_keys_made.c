/* Creating access keys. The first one is on disk under a temporary name before it is stored. */
#include "cli/access_keys_made.h"

#include "api/access_key_set.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "cli/management.h"
#include "store/access_keys.h"
#include "store/core/idempotency_claims.h"
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
    random_text(RANDOM_ID_LETTERS, key->id + 4, GENERATED_ID - 4);
    random_text(RANDOM_SECRET_LETTERS, generated, GENERATED_SECRET);
    key->secret = secret_new((struct str){generated, GENERATED_SECRET});
    explicit_bzero(generated, sizeof(generated));
}

void made_key_done(struct made_key *key)
{
    secret_free(key->secret);
    key->secret = NULL;
}

struct key_creation {
    const struct made_key *key;
    const struct data_dir *data;
    struct access_key row;
};

static bool create_key(void *argument, const struct audit_entry *entry, struct error *error)
{
    const struct key_creation *creation = argument;
    return access_key_create(creation->data->store, creation->data->keys.keyring, creation->row,
                             secret_reveal(creation->key->secret), entry, error);
}

bool made_key_store(const struct made_key *key, const struct data_dir *data, const char *account,
                    struct str limits, struct error *error)
{
    struct access_key row = {.id = str_from(key->id),
                             .account = str_from(account),
                             .created_at_ms = clock_wall_ms(),
                             .limits = limits};
    struct key_creation creation = {key, data, row};
    const struct management_action action = {
        .operation = "CreateAccessKey",
        .account = row.account,
        .resource = row.id,
        .detail = limits,
        .change = create_key,
        .argument = &creation,
    };
    return management_run(data->store, &action, error);
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
    bool ok = made_key_write(&key, temporary, error) &&
              made_key_store(&key, data, account, STR_NULL, error);
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
