/* A keyring that changes while it is used: its file is edited, read again, and another key is put
 * to use. */
#include "cmocka_all.h"

#include "keyring_scratch.h"

#include "vault/keyring.h"
#include "vault/seal.h"
#include "vault/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_key_is_added_as_the_marked_one(void **state)
{
    (void)state;
    char id[KEYRING_ID_SIZE + 1], old[KEYRING_ID_SIZE + 1];
    struct stat status;
    _cleanup_keyring_ struct keyring *before = scratch_keyring("added");
    snprintf(old, sizeof(old), "%.*s", STR_ARG(keyring_primary_id(before)));
    assert_true(keyring_add_key(scratch_path("added"), id, NULL));
    assert_int_equal(stat(scratch_path("added"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    _cleanup_keyring_ struct keyring *after = NULL;
    assert_true(scratch_open(scratch_path("added"), &after, NULL));
    assert_string_not_equal(id, old);
    assert_true(str_eq(keyring_primary_id(after), str_from(id)));
    assert_non_null(keyring_find(after, str_from(old)));
}

/* A running server does not begin to seal with a key because a file marks it. */
static void a_reload_keeps_the_key_in_use(void **state)
{
    (void)state;
    char id[KEYRING_ID_SIZE + 1], old[KEYRING_ID_SIZE + 1];
    struct arena arena = {0};
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("reload");
    snprintf(old, sizeof(old), "%.*s", STR_ARG(keyring_primary_id(keyring)));
    const struct secret *old_key = keyring_find(keyring, str_from(old));
    assert_false(keyring_reload_changed(keyring));
    assert_true(keyring_add_key(scratch_path("reload"), id, NULL));
    assert_true(keyring_reload_changed(keyring));
    assert_false(keyring_reload_changed(keyring));
    assert_true(str_eq(keyring_primary_id(keyring), str_from(old)));
    assert_true(str_eq(keyring_marked_id(keyring), str_from(id)));
    assert_ptr_equal(keyring_find(keyring, str_from(old)), old_key);
    assert_int_equal(keyring_ids(keyring, &arena).len, 2 * KEYRING_ID_SIZE + 1);

    assert_false(keyring_use(keyring, STR("0000000000000000")));
    assert_true(keyring_use(keyring, str_from(id)));
    assert_true(str_eq(keyring_primary_id(keyring), str_from(id)));
    arena_done(&arena);
}

static void a_removed_key_is_not_found(void **state)
{
    (void)state;
    char id[KEYRING_ID_SIZE + 1], old[KEYRING_ID_SIZE + 1];
    struct error error = {0};
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("removed");
    snprintf(old, sizeof(old), "%.*s", STR_ARG(keyring_primary_id(keyring)));
    const struct secret *old_key = keyring_find(keyring, str_from(old));
    struct str bytes = secret_reveal(old_key);
    char kept[KEYRING_KEY_SIZE];
    memcpy(kept, bytes.data, sizeof(kept));
    assert_true(keyring_add_key(scratch_path("removed"), id, NULL));
    assert_false(keyring_remove_key(scratch_path("removed"), str_from(id), &error));
    assert_int_equal(error.code, ERR_CONFLICT);
    assert_false(keyring_remove_key(scratch_path("removed"), STR("0000000000000000"), &error));
    assert_int_equal(error.code, ERR_NOT_FOUND);
    assert_true(keyring_remove_key(scratch_path("removed"), str_from(old), NULL));
    assert_true(keyring_reload(keyring, NULL));
    assert_null(keyring_find(keyring, str_from(old)));
    assert_true(str_eq(keyring_primary_id(keyring), str_from(id)));
    /* What another thread may still hold stays as it was. */
    assert_memory_equal(secret_reveal(old_key).data, kept, sizeof(kept));
}

/* What another process sealed with a key that this one has not read yet. */
static void a_value_of_a_new_key_is_opened(void **state)
{
    (void)state;
    char id[KEYRING_ID_SIZE + 1];
    struct arena arena = {0};
    const struct seal_binding binding = {.purpose = STR("test"), .name = STR("n")};
    struct str sealed, again, plain;
    _cleanup_keyring_ struct keyring *reader = scratch_keyring("late");
    assert_true(keyring_add_key(scratch_path("late"), id, NULL));
    _cleanup_keyring_ struct keyring *writer = NULL;
    assert_true(scratch_open(scratch_path("late"), &writer, NULL));
    assert_true(seal_close(writer, &binding, STR("plain"), &arena, &sealed, NULL));
    assert_true(seal_open(reader, &binding, sealed, &arena, &plain, NULL));
    assert_true(str_eq(plain, STR("plain")));
    assert_true(str_eq(seal_key_id(sealed), str_from(id)));

    /* And back under the reader's key, which has not changed. */
    assert_true(seal_renew(reader, &binding, sealed, &arena, &again, NULL));
    assert_true(str_eq(seal_key_id(again), keyring_primary_id(reader)));
    assert_true(seal_open(writer, &binding, again, &arena, &plain, NULL));
    assert_true(str_eq(plain, STR("plain")));
    arena_done(&arena);
}

static void a_value_that_was_changed_is_not_sealed_again(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct seal_binding binding = {.purpose = STR("test")};
    const struct seal_binding other = {.purpose = STR("else")};
    struct str sealed, again;
    struct error error = {0};
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("renew");
    assert_true(seal_close(keyring, &binding, STR("plain"), &arena, &sealed, NULL));
    assert_false(seal_renew(keyring, &other, sealed, &arena, &again, &error));
    ((char *)sealed.data)[sealed.len - 1] ^= 1;
    assert_false(seal_renew(keyring, &binding, sealed, &arena, &again, &error));
    arena_done(&arena);
}

static void a_damaged_file_changes_nothing(void **state)
{
    (void)state;
    struct error error = {0};
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("damaged");
    struct str id = keyring_primary_id(keyring);
    scratch_write(scratch_path("damaged"), "headgate-keyring 1\nkey\n", 0600);
    assert_false(keyring_reload(keyring, &error));
    assert_int_equal(error.code, ERR_INTERNAL);
    assert_non_null(keyring_find(keyring, id));
    unlink(scratch_path("damaged"));
    assert_false(keyring_reload_changed(keyring));
    assert_non_null(keyring_find(keyring, id));
}

/* A mounted secret is a link; it stays one. */
static void the_target_of_a_link_is_replaced(void **state)
{
    (void)state;
    char id[KEYRING_ID_SIZE + 1];
    struct stat status;
    keyring_free(scratch_keyring("real"));
    assert_int_equal(symlink("real", scratch_path("linked")), 0);
    assert_true(keyring_add_key(scratch_path("linked"), id, NULL));
    assert_int_equal(lstat(scratch_path("linked"), &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    _cleanup_keyring_ struct keyring *keyring = NULL;
    assert_true(scratch_open(scratch_path("real"), &keyring, NULL));
    assert_true(str_eq(keyring_primary_id(keyring), str_from(id)));
}

static void comments_stay(void **state)
{
    (void)state;
    char id[KEYRING_ID_SIZE + 1], text[600];
    keyring_free(scratch_keyring("comments"));
    char *before = scratch_read(scratch_path("comments"));
    snprintf(text, sizeof(text), "%s# ours\n\n", before);
    scratch_write(scratch_path("comments"), text, 0600);
    assert_true(keyring_add_key(scratch_path("comments"), id, NULL));
    char *after = scratch_read(scratch_path("comments"));
    assert_non_null(strstr(after, "\n# ours\n\n"));
    assert_null(strstr(strstr(after, "primary") + 1, "primary"));
    free(before);
    free(after);
}

static void a_full_keyring_is_not_extended(void **state)
{
    (void)state;
    char id[KEYRING_ID_SIZE + 1];
    struct error error = {0};
    keyring_free(scratch_keyring("full"));
    for (int i = 1; i < KEYRING_KEYS_MAX; i++)
        assert_true(keyring_add_key(scratch_path("full"), id, NULL));
    assert_false(keyring_add_key(scratch_path("full"), id, &error));
    assert_int_equal(error.code, ERR_CONFLICT);
    assert_non_null(strstr(error.message, "key retire"));
    _cleanup_keyring_ struct keyring *keyring = NULL;
    assert_true(scratch_open(scratch_path("full"), &keyring, NULL));
}

static void one_command_changes_a_keyring(void **state)
{
    (void)state;
    int first, second;
    struct error error = {0};
    keyring_free(scratch_keyring("locked"));
    assert_true(keyring_lock(scratch_path("locked"), &first, NULL));
    assert_false(keyring_lock(scratch_path("locked"), &second, &error));
    assert_int_equal(error.code, ERR_CONFLICT);
    close(first);
    assert_true(keyring_lock(scratch_path("locked"), &second, NULL));
    close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_added_as_the_marked_one),
        cmocka_unit_test(a_reload_keeps_the_key_in_use),
        cmocka_unit_test(a_removed_key_is_not_found),
        cmocka_unit_test(a_value_of_a_new_key_is_opened),
        cmocka_unit_test(a_value_that_was_changed_is_not_sealed_again),
        cmocka_unit_test(a_damaged_file_changes_nothing),
        cmocka_unit_test(the_target_of_a_link_is_replaced),
        cmocka_unit_test(comments_stay),
        cmocka_unit_test(a_full_keyring_is_not_extended),
        cmocka_unit_test(one_command_changes_a_keyring),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
