/* The table of access keys: found, listed, noted as used, deleted. */
#include "store_fixture.h"

static bool apply_key_insert(struct db *db, void *argument, struct error *error)
{
    return access_key_insert(db, argument, error);
}

static bool apply_key_delete(struct db *db, void *argument, struct error *error)
{
    return access_key_delete(db, *(struct str *)argument, error);
}

static bool apply_key_use(struct db *db, void *argument, struct error *error)
{
    return access_key_note_use(db, STR("AKIAONE"), *(int64_t *)argument, error);
}

static void access_keys_are_kept(void **state)
{
    struct fixture *f = *state;
    struct access_key one = {.id = STR("AKIAONE"),
                             .account = STR("123456789012"),
                             .sealed_secret = STR("s\0ealed"),
                             .created_at_ms = 7,
                             .version = 3,
                             .limits = STR("{\"expiresAt\":9}")};
    struct access_key two = {.id = STR("AKIATWO"),
                             .account = STR("111122223333"),
                             .sealed_secret = STR("t"),
                             .created_at_ms = 8,
                             .version = 3};
    struct access_key got, *all;
    size_t count;
    bool found;
    check(f, access_key_list(f->reader, &f->arena, &all, &count, &f->error));
    assert_int_equal(count, 0);
    check(f, store_apply(f->store, apply_key_insert, &one, false, &f->error));
    check(f, store_apply(f->store, apply_key_insert, &two, false, &f->error));
    assert_false(store_apply(f->store, apply_key_insert, &one, false, &f->error));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    check(f, access_key_find(f->reader, &f->arena, one.id, &got, &found, &f->error));
    assert_true(found);
    assert_true(str_eq(got.id, one.id));
    assert_true(str_eq(got.account, one.account));
    assert_true(str_eq(got.sealed_secret, one.sealed_secret));
    assert_int_equal(got.created_at_ms, 7);
    assert_int_equal(got.version, 3);
    assert_null(got.sealed_state.data);
    assert_true(str_eq(got.limits, one.limits));
    assert_int_equal(got.last_used_ms, 0);
    check(f, access_key_list(f->reader, &f->arena, &all, &count, &f->error));
    assert_int_equal(count, 2);
    assert_true(str_eq(all[0].id, two.id));
    assert_true(str_eq(all[1].id, one.id));
    assert_int_equal(all[0].limits.len, 0);
    for (int64_t at_ms = 20; at_ms >= 10; at_ms -= 10) /* the earlier use is told later */
        check(f, store_apply(f->store, apply_key_use, &at_ms, false, &f->error));
    check(f, access_key_find(f->reader, &f->arena, one.id, &got, &found, &f->error));
    assert_int_equal(got.last_used_ms, 20);
    store_reader_rest(f->reader); /* a scrub waits for readers */
    check(f, store_apply(f->store, apply_key_delete, &one.id, true, &f->error));
    check(f, access_key_find(f->reader, &f->arena, one.id, &got, &found, &f->error));
    assert_false(found);
    assert_false(store_apply(f->store, apply_key_delete, &one.id, true, &f->error));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {test_with_store(access_keys_are_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
