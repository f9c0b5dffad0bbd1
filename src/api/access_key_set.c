/* A change reads the state and all keys, seals outside of the transaction, and commits if the state
 * still is what was read (compare and swap); otherwise it is made again from what is there now. */
#include "api/access_key_set.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/meta.h"

struct seal_binding access_key_binding(const struct access_key *key)
{
    return (struct seal_binding){
        .purpose = STR("access-key"),
        .account = key->account,
        .name = key->id,
        .version = key->version,
        .context = {key->limits},
        .context_count = key->limits.len > 0,
    };
}

/* --- the state --- */

const struct seal_binding access_key_state_binding = {.purpose = STR("access-key-state")};

/* Later than any generation of a state that was there before and is gone. */
static int64_t first_generation(void)
{
    return clock_wall_ms();
}

static bool seal_state(const struct keyring *keyring, const struct access_key_state *state,
                       struct arena *arena, struct str *ret_sealed, struct error *error)
{
    struct str text = arena_printf(arena, "%lld %lld %lld", (long long)state->generation,
                                   (long long)state->revision, (long long)state->count);
    return seal_close(keyring, &access_key_state_binding, text, arena, ret_sealed, error);
}

static bool read_number(struct str *text, int64_t *ret_number)
{
    struct str word, rest = STR_NULL;
    unsigned long long number;
    if (!str_cut(*text, ' ', &word, &rest))
        word = *text;
    *text = rest;
    if (!str_to_u64(word, INT64_MAX, &number))
        return false;
    *ret_number = (int64_t)number;
    return true;
}

bool access_key_state_open(const struct keyring *keyring, struct str sealed, struct arena *arena,
                           struct access_key_state *ret_state, struct error *error)
{
    struct str text;
    if (!sealed.data)
        return fail(error, ERR_INTERNAL,
                    "The state of the access keys is missing in the database (\"access-keys\" in "
                    "the table meta), so that no key can be trusted: restore it from a backup.");
    if (!seal_open(keyring, &access_key_state_binding, sealed, arena, &text, error))
        return false;
    return (read_number(&text, &ret_state->generation) &&
            read_number(&text, &ret_state->revision) && read_number(&text, &ret_state->count)) ||
           fail(error, ERR_INTERNAL, "The state of the access keys opened, but cannot be read.");
}

bool access_key_state_get(struct store_reader *reader, struct arena *arena, struct str *ret_sealed,
                          struct error *error)
{
    return meta_get(reader, arena, ACCESS_KEY_STATE_NAME, ret_sealed, error);
}

bool access_key_state_read(struct store *store, const struct keyring *keyring,
                           struct access_key_state *ret_state, struct error *error)
{
    struct arena arena = {0};
    struct store_reader *reader;
    struct str sealed;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = access_key_state_get(reader, &arena, &sealed, error) &&
              access_key_state_open(keyring, sealed, &arena, ret_state, error);
    store_reader_put(store, reader);
    arena_done(&arena);
    return ok;
}

bool access_key_state_first(const struct keyring *keyring, struct arena *arena,
                            struct str *ret_sealed, struct error *error)
{
    return seal_state(keyring, &(struct access_key_state){.generation = first_generation()}, arena,
                      ret_sealed, error);
}

bool access_key_state_put(struct db *db, struct str sealed, bool *ret_put, struct error *error)
{
    return meta_put_once(db, ACCESS_KEY_STATE_NAME, sealed, ret_put, error);
}

/* --- changes --- */

struct key_change {
    const struct keyring *keyring;
    struct arena *arena;
    struct access_key_state state;
    struct str old_state, new_state; /* sealed */
    struct access_key *keys;         /* all, as read; those to be sealed again are */
    size_t count;
    const struct access_key *added;  /* NULL: none */
    struct str deleted;              /* STR_NULL: none */
    const struct audit_entry *audit; /* NULL: none */
};

static bool read_all(struct store *store, struct key_change *change, struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = access_key_state_get(reader, change->arena, &change->old_state, error) &&
              access_key_list(reader, change->arena, &change->keys, &change->count, error);
    store_reader_put(store, reader);
    return ok;
}

static bool apply_keys(struct db *db, const struct key_change *change, struct error *error)
{
    bool replaced;
    if (!meta_replace(db, ACCESS_KEY_STATE_NAME, change->old_state, change->new_state, &replaced,
                      error))
        return false;
    if (!replaced)
        return fail(error, ERR_LOST_RACE, "The access keys were changed by another process.");
    if (change->added)
        return access_key_insert(db, change->added, error);
    if (!access_key_delete(db, change->deleted, error))
        return false;
    for (size_t i = 0; i < change->count; i++) {
        const struct access_key *key = &change->keys[i];
        if (key->version == change->state.generation && !access_key_reseal(db, key, error))
            return false;
    }
    return true;
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    const struct key_change *change = argument;
    return apply_keys(db, change, error) && (!change->audit || audit_add(db, change->audit, error));
}

typedef bool plan_fn(struct key_change *change, void *argument, struct error *error);

static bool try_change(struct store *store, const struct keyring *keyring, plan_fn *plan,
                       void *argument, const struct audit_entry *audit, struct error *error)
{
    struct arena arena = {0};
    struct key_change change = {.keyring = keyring, .arena = &arena, .audit = audit};
    bool ok = read_all(store, &change, error) &&
              access_key_state_open(keyring, change.old_state, &arena, &change.state, error) &&
              plan(&change, argument, error);
    if (ok) {
        change.state.revision++;
        ok = seal_state(keyring, &change.state, &arena, &change.new_state, error) &&
             store_apply(store, apply, &change, change.deleted.data != NULL, error);
    }
    arena_done(&arena);
    return ok;
}

static bool change_set(struct store *store, const struct keyring *keyring, plan_fn *plan,
                       void *argument, const struct audit_entry *audit, struct error *error)
{
    bool ok = false;
    for (int i = 0; !ok && i < ACCESS_KEY_SET_ATTEMPTS; i++) {
        struct error trial = {0};
        ok = try_change(store, keyring, plan, argument, audit, &trial);
        if (!ok && trial.code != ERR_LOST_RACE) {
            *error = trial;
            return false;
        }
    }
    return ok || fail(error, ERR_UNAVAILABLE,
                      "Other processes change the access keys all the time: try again.");
}

/* --- create --- */

struct creation {
    struct access_key key;
    struct str secret;
};

static bool plan_creation(struct key_change *change, void *argument, struct error *error)
{
    struct creation *creation = argument;
    creation->key.version = change->state.generation;
    struct seal_binding binding = access_key_binding(&creation->key);
    change->state.count++;
    change->added = &creation->key;
    return seal_close(change->keyring, &binding, creation->secret, change->arena,
                      &creation->key.sealed_secret, error);
}

bool access_key_create(struct store *store, const struct keyring *keyring, struct access_key key,
                       struct str secret, const struct audit_entry *audit, struct error *error)
{
    struct creation creation = {key, secret};
    return change_set(store, keyring, plan_creation, &creation, audit, error);
}

/* --- remove --- */

/* A key that does not open, or is of an earlier generation, stays as it is: refused. */
static bool seal_again(struct key_change *change, struct access_key *key, int64_t generation,
                       struct error *error)
{
    struct error ignored = {0};
    struct seal_binding binding = access_key_binding(key);
    struct str secret;
    if (key->version != generation - 1 ||
        !seal_open(change->keyring, &binding, key->sealed_secret, change->arena, &secret, &ignored))
        return true;
    key->version = binding.version = generation;
    return seal_close(change->keyring, &binding, secret, change->arena, &key->sealed_secret, error);
}

static bool plan_removal(struct key_change *change, void *argument, struct error *error)
{
    change->deleted = *(const struct str *)argument;
    int64_t generation = ++change->state.generation;
    for (size_t i = 0; i < change->count; i++) {
        struct access_key *key = &change->keys[i];
        if (str_eq(key->id, change->deleted))
            change->state.count -= key->version == generation - 1;
        else if (!seal_again(change, key, generation, error))
            return false;
    }
    return true;
}

bool access_key_remove(struct store *store, const struct keyring *keyring, struct str id,
                       const struct audit_entry *audit, struct error *error)
{
    return change_set(store, keyring, plan_removal, &id, audit, error);
}

/* --- upgrade --- */

/* Of two nodes that upgrade at once, the first one's state stays, and its keys. */
static bool apply_upgrade(struct db *db, void *argument, struct error *error)
{
    const struct key_change *change = argument;
    bool is_first;
    if (!access_key_state_put(db, change->new_state, &is_first, error))
        return false;
    if (!is_first)
        return true;
    for (size_t i = 0; i < change->count; i++) {
        if (change->keys[i].version == change->state.generation &&
            !access_key_reseal(db, &change->keys[i], error))
            return false;
    }
    return true;
}

static bool plan_upgrade(struct key_change *change, struct error *error)
{
    change->state.generation = first_generation();
    for (size_t i = 0; i < change->count; i++) {
        struct access_key *key = &change->keys[i];
        struct error why = {0};
        struct seal_binding binding = access_key_binding(key);
        struct str secret;
        if (!seal_open_old(change->keyring, &binding, key->sealed_secret, change->arena, &secret,
                           &why)) {
            log_warn("Access key %.*s cannot be read and does not work: %s", STR_ARG(key->id),
                     why.message);
            continue;
        }
        key->version = binding.version = change->state.generation;
        change->state.count++;
        if (!seal_close(change->keyring, &binding, secret, change->arena, &key->sealed_secret,
                        error))
            return false;
    }
    return seal_state(change->keyring, &change->state, change->arena, &change->new_state, error);
}

bool access_key_set_upgrade(struct store *store, const struct keyring *keyring, struct error *error)
{
    struct arena arena = {0};
    struct key_change change = {.keyring = keyring, .arena = &arena};
    bool ok = read_all(store, &change, error);
    if (ok && !change.old_state.data)
        ok = plan_upgrade(&change, error) &&
             store_apply(store, apply_upgrade, &change, false, error);
    arena_done(&arena);
    return ok;
}
