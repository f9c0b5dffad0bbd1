/* Access keys as a set with generations: a deleted key stays deleted, whatever rows are put back.
 */
#include "store_fixture.h"

#include "api/access_key_set.h"
#include "api/generation_floor.h"
#include "base/clock.h"
#include "keyring_scratch.h"
#include "seal_old.h"
#include "store/meta.h"

#include <pthread.h>
#include <stdio.h>

static struct keyring *keyring;

static struct access_key_state state_of(struct fixture *f)
{
    struct access_key_state state = {0};
    check(f, access_key_state_read(f->store, keyring, &state, &f->error));
    return state;
}

static void create(struct fixture *f, const char *id)
{
    struct access_key key = {.id = str_from(id), .account = STR("123456789012")};
    check(f, access_key_create(f->store, keyring, key, str_from(id), NULL, &f->error));
}

static struct access_key find(struct fixture *f, const char *id)
{
    struct access_key key = {0};
    bool found;
    store_reader_rest(f->reader);
    check(f, access_key_find(f->reader, &f->arena, str_from(id), &key, &found, &f->error));
    assert_true(found);
    return key;
}

/* As authentication judges it: of the current generation, and with a seal that opens. */
static bool works(struct fixture *f, const char *id)
{
    struct access_key key = find(f, id);
    struct seal_binding binding = access_key_binding(&key);
    struct access_key_state state;
    struct str secret;
    struct error ignored = {0};
    check(f, access_key_state_open(keyring, key.sealed_state, &f->arena, &state, &f->error));
    if (key.version != state.generation ||
        !seal_open(keyring, &binding, key.sealed_secret, &f->arena, &secret, &ignored))
        return false;
    assert_true(str_eq(secret, str_from(id)));
    return true;
}

static void remove_key(struct fixture *f, const char *id)
{
    store_reader_rest(f->reader);
    check(f, access_key_remove(f->store, keyring, str_from(id), NULL, &f->error));
}

static bool apply_insert_key(struct db *db, void *argument, struct error *error)
{
    return access_key_insert(db, argument, error);
}

static void put_row_back(struct fixture *f, struct access_key *key)
{
    check(f, store_apply(f->store, apply_insert_key, key, false, &f->error));
}

static void a_deleted_key_s_row_is_of_an_earlier_generation(void **state)
{
    struct fixture *f = *state;
    check(f, access_key_set_upgrade(f->store, keyring, &f->error)); /* of no keys */
    create(f, "AKIAONE");
    create(f, "AKIATWO");
    assert_true(works(f, "AKIAONE") && works(f, "AKIATWO"));
    int64_t first = state_of(f).generation;
    assert_int_equal(state_of(f).count, 2);
    struct access_key saved = find(f, "AKIATWO");
    remove_key(f, "AKIATWO");
    assert_int_equal(state_of(f).generation, first + 1);
    assert_int_equal(state_of(f).count, 1);
    assert_true(works(f, "AKIAONE"));
    put_row_back(f, &saved);
    assert_false(works(f, "AKIATWO"));
    assert_true(works(f, "AKIAONE"));
    /* Nor does it help to write the current generation into the row. */
    remove_key(f, "AKIATWO");
    assert_int_equal(state_of(f).count, 1);
    saved.version = state_of(f).generation;
    put_row_back(f, &saved);
    assert_false(works(f, "AKIATWO"));
    /* A later deletion does not seal it with the others. */
    create(f, "AKIATHREE");
    remove_key(f, "AKIATHREE");
    assert_false(works(f, "AKIATWO"));
    assert_true(works(f, "AKIAONE"));
}

static void ids_are_taken_and_missed(void **state)
{
    struct fixture *f = *state;
    struct access_key again = {.id = STR("AKIAONE"), .account = STR("111122223333")};
    struct access_key_state before;
    check(f, access_key_set_upgrade(f->store, keyring, &f->error));
    create(f, "AKIAONE");
    before = state_of(f);
    assert_false(access_key_create(f->store, keyring, again, STR("s"), NULL, &f->error));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    store_reader_rest(f->reader);
    assert_false(access_key_remove(f->store, keyring, STR("AKIATWO"), NULL, &f->error));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
    assert_int_equal(state_of(f).revision, before.revision); /* nothing was done */
    assert_true(works(f, "AKIAONE"));
}

static void without_the_state_nothing_is_changed(void **state)
{
    struct fixture *f = *state;
    struct access_key key = {.id = STR("AKIAONE"), .account = STR("123456789012")};
    assert_false(access_key_create(f->store, keyring, key, STR("s"), NULL, &f->error));
    assert_int_equal(f->error.code, ERR_INTERNAL);
    assert_non_null(strstr(f->error.message, "state of the access keys is missing"));
}

static bool apply_forget_state(struct db *db, void *argument, struct error *error)
{
    bool replaced;
    struct str *sealed = argument;
    return meta_replace(db, STR("access-keys"), sealed[0], sealed[1], &replaced, error);
}

/* As at a start over a database that lost its service secret and the state: a deleted key's row of
 * the lost state's first generation is of an earlier one still. */
static void a_new_state_revives_no_key(void **state)
{
    struct fixture *f = *state;
    struct str states[2];
    check(f, access_key_set_upgrade(f->store, keyring, &f->error));
    create(f, "AKIAONE");
    struct access_key saved = find(f, "AKIAONE");
    states[0] = saved.sealed_state;
    clock_nap_us(2000);
    check(f, access_key_state_first(keyring, &f->arena, &states[1], &f->error));
    store_reader_rest(f->reader);
    check(f, store_apply(f->store, apply_forget_state, states, false, &f->error));
    assert_false(works(f, "AKIAONE"));
}

/* --- at once --- */

enum { THREADS = 4, ROUNDS = 10 };

struct changer {
    struct fixture *f;
    int number;
    bool ok;
};

static void *change_keys(void *argument)
{
    struct changer *changer = argument;
    struct error error = {0};
    char id[32];
    changer->ok = true;
    for (int i = 0; changer->ok && i < ROUNDS; i++) {
        snprintf(id, sizeof(id), "AKIA%dX%d", changer->number, i);
        struct access_key key = {.id = str_from(id), .account = STR("123456789012")};
        changer->ok =
            access_key_create(changer->f->store, keyring, key, str_from(id), NULL, &error) &&
            (i % 2 == 0 ||
             access_key_remove(changer->f->store, keyring, str_from(id), NULL, &error));
    }
    return NULL;
}

static void changes_at_once_lose_no_key(void **state)
{
    struct fixture *f = *state;
    struct changer changers[THREADS];
    pthread_t threads[THREADS];
    check(f, access_key_set_upgrade(f->store, keyring, &f->error));
    int64_t first = state_of(f).generation;
    store_reader_rest(f->reader);
    for (int i = 0; i < THREADS; i++) {
        changers[i] = (struct changer){f, i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, change_keys, &changers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(changers[i].ok);
    }
    assert_int_equal(state_of(f).count, THREADS * ROUNDS / 2);
    assert_int_equal(state_of(f).generation, first + THREADS * ROUNDS / 2);
    for (int i = 0; i < THREADS; i++) {
        char id[32];
        snprintf(id, sizeof(id), "AKIA%dX%d", i, ROUNDS - 2);
        assert_true(works(f, id));
    }
}

/* --- the upgrade --- */

static void insert_old(struct fixture *f, const char *id)
{
    struct access_key key = {.id = str_from(id), .account = STR("123456789012")};
    struct seal_binding binding = access_key_binding(&key);
    key.sealed_secret = seal_close_old(keyring, &binding, str_from(id), &f->arena);
    put_row_back(f, &key);
}

static void keys_of_an_earlier_version_become_the_first_generation(void **state)
{
    struct fixture *f = *state;
    insert_old(f, "AKIAONE");
    insert_old(f, "AKIATWO");
    struct access_key broken = {
        .id = STR("AKIABROKEN"), .account = STR("123456789012"), .sealed_secret = STR("HG1")};
    put_row_back(f, &broken);
    check(f, access_key_set_upgrade(f->store, keyring, &f->error));
    assert_int_equal(state_of(f).count, 2);
    assert_true(works(f, "AKIAONE") && works(f, "AKIATWO"));
    assert_false(works(f, "AKIABROKEN"));
    /* Once: a key in form 1 that comes later stays out. */
    insert_old(f, "AKIALATE");
    check(f, access_key_set_upgrade(f->store, keyring, &f->error));
    assert_int_equal(state_of(f).count, 2);
    assert_false(works(f, "AKIALATE"));
}

/* --- what a node has seen --- */

static int64_t floor_in(struct fixture *f)
{
    struct generation_floor *floor;
    check(f, generation_floor_new(f->dir, &floor, &f->error));
    int64_t generation = generation_floor_get(floor);
    generation_floor_free(floor);
    return generation;
}

static void an_earlier_generation_than_was_seen_is_refused(void **state)
{
    struct fixture *f = *state;
    struct generation_floor *floor;
    assert_int_equal(floor_in(f), 0);
    check(f, generation_floor_new(f->dir, &floor, &f->error));
    check(f, generation_floor_admit(floor, 5, &f->error));
    check(f, generation_floor_admit(floor, 5, &f->error));
    assert_false(generation_floor_admit(floor, 4, &f->error));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(f->error.message, "access-key-generation"));
    generation_floor_free(floor);
    assert_int_equal(floor_in(f), 5); /* the next process knows */
    generation_floor_forget(f->dir);
    assert_int_equal(floor_in(f), 0);
}

static void a_damaged_record_counts_as_none(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"", "5\n",
                                        "headgate-access-key-generation 1 0000000000000000000x\n",
                                        "headgate-access-key-generation 1 99999999999999999999\n",
                                        "headgate-access-key-generation 2 00000000000000000005\n"};
    char path[128];
    snprintf(path, sizeof(path), "%s/access-key-generation", f->dir);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        scratch_write(path, texts[i], 0600);
        assert_int_equal(floor_in(f), 0);
    }
    scratch_write(path, "headgate-access-key-generation 1 00000000000000000005\n", 0600);
    assert_int_equal(floor_in(f), 5);
}

static int begin(void **state)
{
    if (scratch_begin(state) != 0)
        return -1;
    keyring = scratch_keyring("keyring");
    return 0;
}

static int end(void **state)
{
    keyring_free(keyring);
    return scratch_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(a_deleted_key_s_row_is_of_an_earlier_generation),
        test_with_store(ids_are_taken_and_missed),
        test_with_store(a_new_state_revives_no_key),
        test_with_store(without_the_state_nothing_is_changed),
        test_with_store(changes_at_once_lose_no_key),
        test_with_store(keys_of_an_earlier_version_become_the_first_generation),
        test_with_store(an_earlier_generation_than_was_seen_is_refused),
        test_with_store(a_damaged_record_counts_as_none),
    };
    return cmocka_run_group_tests_name("access key set", tests, begin, end);
}
