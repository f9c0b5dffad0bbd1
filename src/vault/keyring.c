/* A keyring's text becomes keys by id; a new keyring is one random key. */
#include "vault/keyring.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/encode.h"
#include "vault/crypto.h"
#include "vault/keyring_text.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_FIELDS_MAX = 4 };

struct keyring_key {
    char id[KEYRING_ID_SIZE + 1];
    struct secret *key;
};

struct keyring {
    struct keyring_key keys[KEYRING_KEYS_MAX];
    size_t count;
    const struct keyring_key *primary;
};

static const struct str FIRST_LINE = STR("headgate-keyring 1");
static const struct str DAMAGED_ADVICE = STR("restore the keyring from its backup");

static void derive_id(struct str key, char out[KEYRING_ID_SIZE + 1])
{
    unsigned char hash[CRYPTO_HASH_SIZE];
    crypto_hmac(key, STR("headgate-keyring-id"), hash);
    encode_hex(hash, KEYRING_ID_SIZE / 2, out);
}

/* Splits at single blanks; more than `max` fields give max + 1. */
static size_t split_fields(struct str line, struct str *fields, size_t max)
{
    size_t count = 0;
    struct str field, rest = line;
    while (count < max && str_cut(rest, ' ', &field, &rest))
        fields[count++] = field;
    if (count == max)
        return max + 1;
    fields[count++] = rest;
    return count;
}

static bool refuse_line(size_t number, const char *what, struct error *error)
{
    return fail(error, ERR_INTERNAL, "The keyring's line %zu %s: %.*s.", number, what,
                STR_ARG(DAMAGED_ADVICE));
}

static bool decode_key(struct str text, struct secret **ret_key)
{
    struct arena arena = {0};
    struct str bytes;
    bool good = decode_base64(&arena, text, &bytes) && bytes.len == KEYRING_KEY_SIZE;
    if (good)
        *ret_key = secret_new(bytes);
    arena_done(&arena);
    return good;
}

/* "key ID BASE64" and perhaps "primary" */
static bool add_line(struct keyring *keyring, struct str line, size_t number, struct error *error)
{
    struct str fields[LINE_FIELDS_MAX];
    size_t count = split_fields(line, fields, LINE_FIELDS_MAX);
    bool primary = count == 4 && str_eq(fields[3], STR("primary"));
    if ((count != 3 && !primary) || !str_eq(fields[0], STR("key")))
        return refuse_line(number, "is not of the form \"key ID BASE64 [primary]\"", error);
    if (keyring->count == KEYRING_KEYS_MAX)
        return fail(error, ERR_INTERNAL, "The keyring has more than %d keys.", KEYRING_KEYS_MAX);
    if (keyring_find(keyring, fields[1]))
        return refuse_line(number, "has an id for the second time", error);
    struct keyring_key *key = &keyring->keys[keyring->count];
    if (!decode_key(fields[2], &key->key))
        return refuse_line(number, "has a key that is not 32 bytes in base64", error);
    keyring->count++; /* from here on keyring_free knows of it */
    derive_id(secret_reveal(key->key), key->id);
    if (!str_eq(str_from(key->id), fields[1]))
        return refuse_line(number, "has a key that does not belong to its id", error);
    if (primary && keyring->primary)
        return refuse_line(number, "has a second primary key", error);
    if (primary)
        keyring->primary = key;
    return true;
}

static bool parse_lines(struct keyring *keyring, struct str text, struct error *error)
{
    struct str line, rest = text;
    for (size_t number = 1; number == 1 || rest.len > 0; number++) {
        if (!str_cut(rest, '\n', &line, &rest)) {
            line = rest;
            rest.len = 0;
        }
        if (number == 1 && !str_eq(line, FIRST_LINE))
            return fail(error, ERR_INTERNAL, "The keyring does not start with \"%.*s\": %.*s.",
                        STR_ARG(FIRST_LINE), STR_ARG(DAMAGED_ADVICE));
        if (number == 1 || line.len == 0 || line.data[0] == '#')
            continue;
        if (!add_line(keyring, line, number, error))
            return false;
    }
    if (!keyring->primary)
        return fail(error, ERR_INTERNAL, "The keyring has no primary key: %.*s.",
                    STR_ARG(DAMAGED_ADVICE));
    return true;
}

static bool read_source(const struct keyring_source *source, char *text, size_t *ret_size,
                        struct error *error)
{
    if (source->path)
        return keyring_read_file(source->path, text, ret_size, error);
    return keyring_read_command(source->command, KEYRING_COMMAND_MS, text, ret_size, error);
}

bool keyring_open(const struct keyring_source *source, struct keyring **ret_keyring,
                  struct error *error)
{
    struct keyring *keyring = xcalloc(1, sizeof(*keyring));
    char *text = secret_alloc(KEYRING_TEXT_MAX + 1);
    size_t size = 0;
    bool good = read_source(source, text, &size, error) &&
                parse_lines(keyring, (struct str){text, size}, error);
    secret_dealloc(text, KEYRING_TEXT_MAX + 1);
    if (!good) {
        keyring_free(keyring);
        return false;
    }
    *ret_keyring = keyring;
    return true;
}

bool keyring_create(const char *path, struct error *error)
{
    struct arena arena = {0};
    _cleanup_secret_ struct secret *key = secret_random(KEYRING_KEY_SIZE);
    char id[KEYRING_ID_SIZE + 1];
    derive_id(secret_reveal(key), id);
    struct str base64 = encode_base64(&arena, secret_reveal(key));
    struct str text = arena_printf(&arena, "%.*s\nkey %s %.*s primary\n", STR_ARG(FIRST_LINE), id,
                                   STR_ARG(base64));
    bool good = keyring_write_file(path, text, error);
    arena_done(&arena);
    return good;
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    for (size_t i = 0; i < keyring->count; i++)
        secret_free(keyring->keys[i].key);
    free(keyring);
}

struct str keyring_primary_id(const struct keyring *keyring)
{
    return (struct str){keyring->primary->id, KEYRING_ID_SIZE};
}

const struct secret *keyring_find(const struct keyring *keyring, struct str id)
{
    for (size_t i = 0; i < keyring->count; i++) {
        if (str_eq(str_from(keyring->keys[i].id), id))
            return keyring->keys[i].key;
    }
    return NULL;
}
