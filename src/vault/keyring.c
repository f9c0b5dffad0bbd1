/* A keyring's text becomes keys by id; a new keyring is one random key.
 *
 * The keys are an array that only grows. A thread reads its count, then keys before that, without a
 * lock; a reload, under the mutex, puts new keys behind them and says which of all are in the
 * source. */
#include "vault/keyring.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "vault/crypto.h"
#include "vault/keyring_text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_FIELDS_MAX = 4 };

struct keyring_key {
    char id[KEYRING_ID_SIZE + 1];
    struct secret *key;
    atomic_bool is_there; /* in the source, as it was read last */
};

/* Which file was read. */
struct keyring_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct keyring {
    struct keyring_key keys[KEYRING_SEEN_MAX];
    atomic_size_t count;
    struct keyring_key *_Atomic primary; /* in use */
    struct keyring_key *_Atomic marked;
    pthread_mutex_t mutex; /* of those who change it */
    char *path, *command;  /* the source: one of them, or NULL in a ring that was only parsed */
    struct keyring_stamp stamp;
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

/* --- parsing --- */

static struct keyring_key *find_known(const struct keyring *keyring, struct str id)
{
    size_t count = atomic_load_explicit(&keyring->count, memory_order_acquire);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(str_from(keyring->keys[i].id), id))
            return (struct keyring_key *)&keyring->keys[i];
    }
    return NULL;
}

/* "key ID BASE64" and perhaps "primary" */
static bool add_line(struct keyring *keyring, struct str line, size_t number, struct error *error)
{
    struct str fields[LINE_FIELDS_MAX];
    size_t count = split_fields(line, fields, LINE_FIELDS_MAX), at = keyring->count;
    bool primary = count == 4 && str_eq(fields[3], STR("primary"));
    if ((count != 3 && !primary) || !str_eq(fields[0], STR("key")))
        return refuse_line(number, "is not of the form \"key ID BASE64 [primary]\"", error);
    if (at == KEYRING_KEYS_MAX)
        return fail(error, ERR_INTERNAL, "The keyring has more than %d keys.", KEYRING_KEYS_MAX);
    if (find_known(keyring, fields[1]))
        return refuse_line(number, "has an id for the second time", error);
    struct keyring_key *key = &keyring->keys[at];
    if (!decode_key(fields[2], &key->key))
        return refuse_line(number, "has a key that is not 32 bytes in base64", error);
    key->is_there = true;
    keyring->count = at + 1; /* from here on keyring_free knows of it */
    derive_id(secret_reveal(key->key), key->id);
    if (!str_eq(str_from(key->id), fields[1]))
        return refuse_line(number, "has a key that does not belong to its id", error);
    if (primary && keyring->marked)
        return refuse_line(number, "has a second primary key", error);
    if (primary)
        keyring->marked = keyring->primary = key;
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
    if (!keyring->marked)
        return fail(error, ERR_INTERNAL, "The keyring has no primary key: %.*s.",
                    STR_ARG(DAMAGED_ADVICE));
    return true;
}

/* --- reading a source --- */

/* Before the file is read: one that changes meanwhile is then read again. */
static struct keyring_stamp stamp_of(const char *path)
{
    struct stat status;
    if (!path || stat(path, &status) != 0)
        return (struct keyring_stamp){0};
    return (struct keyring_stamp){status.st_dev, status.st_ino, status.st_size, status.st_ctim};
}

static bool same_stamp(const struct keyring_stamp *a, const struct keyring_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool read_source(const struct keyring *keyring, char *text, size_t *ret_size,
                        struct error *error)
{
    if (keyring->path)
        return keyring_read_file(keyring->path, text, ret_size, error);
    if (keyring_helper_is_there())
        return keyring_helper_read(text, ret_size, error);
    return keyring_read_command(keyring->command, KEYRING_COMMAND_MS, text, ret_size, error);
}

/* Fills a ring that has no keys yet. */
static bool read_keys(struct keyring *keyring, struct error *error)
{
    char *text = secret_alloc(KEYRING_TEXT_MAX + 1);
    size_t size = 0;
    keyring->stamp = stamp_of(keyring->path);
    bool good = read_source(keyring, text, &size, error) &&
                parse_lines(keyring, (struct str){text, size}, error);
    secret_dealloc(text, KEYRING_TEXT_MAX + 1);
    return good;
}

static struct keyring *new_keyring(const struct keyring_source *source)
{
    struct keyring *keyring = xcalloc(1, sizeof(*keyring));
    pthread_mutex_init(&keyring->mutex, NULL);
    keyring->path = source->path ? xstrdup(source->path) : NULL;
    keyring->command = source->command ? xstrdup(source->command) : NULL;
    return keyring;
}

bool keyring_open(const struct keyring_source *source, struct keyring **ret_keyring,
                  struct error *error)
{
    struct keyring *keyring = new_keyring(source);
    if (!read_keys(keyring, error)) {
        keyring_free(keyring);
        return false;
    }
    *ret_keyring = keyring;
    return true;
}

bool keyring_create(const char *path, struct error *error)
{
    struct arena arena = {0};
    char line[KEYRING_LINE_SIZE], id[KEYRING_ID_SIZE + 1];
    keyring_new_line(line, id);
    struct str text = arena_printf(&arena, "%.*s\n%s\n", STR_ARG(FIRST_LINE), line);
    explicit_bzero(line, sizeof(line));
    bool good = keyring_write_file(path, text, error);
    arena_done(&arena);
    return good;
}

void keyring_new_line(char out[KEYRING_LINE_SIZE], char ret_id[KEYRING_ID_SIZE + 1])
{
    struct arena arena = {0};
    _cleanup_secret_ struct secret *key = secret_random(KEYRING_KEY_SIZE);
    derive_id(secret_reveal(key), ret_id);
    struct str base64 = encode_base64(&arena, secret_reveal(key));
    snprintf(out, KEYRING_LINE_SIZE, "key %s %.*s primary", ret_id, STR_ARG(base64));
    arena_done(&arena);
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    for (size_t i = 0; i < keyring->count; i++)
        secret_free(keyring->keys[i].key);
    pthread_mutex_destroy(&keyring->mutex);
    free(keyring->path);
    free(keyring->command);
    free(keyring);
}

/* --- reading it again --- */

/* The key moves from `fresh`, unless the ring knows it. */
static struct keyring_key *take_key(struct keyring *keyring, struct keyring_key *fresh)
{
    struct keyring_key *known = find_known(keyring, str_from(fresh->id));
    if (!known) {
        size_t at = keyring->count;
        known = &keyring->keys[at];
        memcpy(known->id, fresh->id, sizeof(known->id));
        known->key = fresh->key;
        fresh->key = NULL;
        atomic_store_explicit(&keyring->count, at + 1, memory_order_release);
    }
    atomic_store(&known->is_there, true);
    return known;
}

static void take_keys(struct keyring *keyring, struct keyring *fresh)
{
    size_t known_before = keyring->count;
    for (size_t i = 0; i < fresh->count; i++) {
        struct keyring_key *key = take_key(keyring, &fresh->keys[i]);
        if (&fresh->keys[i] == fresh->marked)
            atomic_store(&keyring->marked, key);
    }
    for (size_t i = 0; i < known_before; i++) {
        struct keyring_key *key = &keyring->keys[i];
        if (!find_known(fresh, str_from(key->id)))
            atomic_store(&key->is_there, false);
    }
    if (!atomic_load(&keyring->primary)->is_there)
        atomic_store(&keyring->primary, atomic_load(&keyring->marked));
    keyring->stamp = fresh->stamp;
}

/* Under the mutex. */
static bool reload(struct keyring *keyring, struct error *error)
{
    struct keyring_source source = {.path = keyring->path, .command = keyring->command};
    _cleanup_keyring_ struct keyring *fresh = new_keyring(&source);
    if (!read_keys(fresh, error))
        return false;
    if (keyring->count + fresh->count > KEYRING_SEEN_MAX)
        return fail(error, ERR_UNAVAILABLE,
                    "This process has read %d keys of keyrings, which is the most that it can "
                    "hold: start it again.",
                    KEYRING_SEEN_MAX);
    take_keys(keyring, fresh);
    return true;
}

bool keyring_reload(struct keyring *keyring, struct error *error)
{
    pthread_mutex_lock(&keyring->mutex);
    bool ok = reload(keyring, error);
    pthread_mutex_unlock(&keyring->mutex);
    return ok;
}

bool keyring_reload_changed(struct keyring *keyring)
{
    struct error ignored = {0};
    if (!keyring->path)
        return false;
    pthread_mutex_lock(&keyring->mutex);
    struct keyring_stamp now = stamp_of(keyring->path);
    bool ok = !same_stamp(&now, &keyring->stamp) && reload(keyring, &ignored);
    pthread_mutex_unlock(&keyring->mutex);
    return ok;
}

bool keyring_has_file(const struct keyring *keyring)
{
    return keyring->path;
}

/* --- its keys --- */

const struct secret *keyring_primary(const struct keyring *keyring, struct str *ret_id)
{
    const struct keyring_key *key = atomic_load(&keyring->primary);
    *ret_id = (struct str){key->id, KEYRING_ID_SIZE};
    return key->key;
}

struct str keyring_primary_id(const struct keyring *keyring)
{
    struct str id;
    (void)keyring_primary(keyring, &id);
    return id;
}

struct str keyring_marked_id(const struct keyring *keyring)
{
    return (struct str){atomic_load(&keyring->marked)->id, KEYRING_ID_SIZE};
}

bool keyring_use(struct keyring *keyring, struct str id)
{
    pthread_mutex_lock(&keyring->mutex);
    struct keyring_key *key = find_known(keyring, id);
    bool found = key && key->is_there;
    if (found)
        atomic_store(&keyring->primary, key);
    pthread_mutex_unlock(&keyring->mutex);
    return found;
}

struct str keyring_ids(const struct keyring *keyring, struct arena *arena)
{
    struct buf text = buf_in(arena, KEYRING_SEEN_MAX * (KEYRING_ID_SIZE + 1));
    size_t count = atomic_load_explicit(&keyring->count, memory_order_acquire);
    for (size_t i = 0; i < count; i++) {
        if (atomic_load(&keyring->keys[i].is_there))
            buf_printf(&text, "%s%s", text.len > 0 ? "," : "", keyring->keys[i].id);
    }
    return buf_str(&text);
}

static const struct secret *find_there(const struct keyring *keyring, struct str id)
{
    const struct keyring_key *key = find_known(keyring, id);
    return key && atomic_load(&key->is_there) ? key->key : NULL;
}

/* The ring's lock makes it safe to reload behind the const of those who only open values. */
const struct secret *keyring_find(const struct keyring *keyring, struct str id)
{
    const struct secret *key = find_there(keyring, id);
    if (key || id.len != KEYRING_ID_SIZE)
        return key;
    (void)keyring_reload_changed((struct keyring *)keyring); /* or another thread just did */
    return find_there(keyring, id);
}
