/* OAuth tokens in rows of their own: what a renewal and an update do to each other, and what an
 * earlier version left. */
#include "store_fixture.h"

#include "keyring_scratch.h"
#include "profile/replaced_tokens.h"
#include "profile/seal.h"
#include "profile/tokens.h"
#include "profile/upgrade.h"
#include "seal_old.h"
#include "store_raw.h"

#include <stdio.h>

static struct keyring *keyring;

static struct profile_context context_of(const struct fixture *f)
{
    return (struct profile_context){.store = f->store, .keyring = keyring};
}

static const struct connector *salesforce(void)
{
    return connector_by_type(STR("Salesforce"));
}

static struct profile row(int64_t version, int64_t credentials_version)
{
    return (struct profile){
        .key = {STR("123456789012"), STR("us-east-1"), STR("crm")},
        .version = version,
        .credentials_version = credentials_version,
        .connector_type = STR("Salesforce"),
        .connection_mode = STR("Public"),
        .credentials_arn = STR("arn"),
        .properties = STR("{\"Salesforce\":{}}"),
        .sealed_credentials = STR("sealed"),
    };
}

static struct oauth_tokens tokens(const char *access_token, int64_t expires_at_ms)
{
    return (struct oauth_tokens){.access_token = str_from(access_token),
                                 .expires_at_ms = expires_at_ms};
}

struct write {
    struct profile_key key;
    struct profile_tokens_change change;
};

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct write *write = argument;
    return profile_tokens_apply(db, &write->key, &write->change, error);
}

/* What a change with these tokens commits; `before` NULL: its credentials are new. */
static void put(struct fixture *f, struct profile profile, const struct profile_tokens *before,
                struct oauth_tokens new_tokens)
{
    struct profile_context context = context_of(f);
    struct profile_tokens_question question = {
        .profile = &profile, .before = before, .tokens = &new_tokens};
    struct write write = {.key = profile.key};
    check(f, profile_tokens_plan(&context, &question, &f->arena, &write.change, &f->error));
    check(f, store_apply(f->store, apply, &write, false, &f->error));
}

static struct profile_tokens load(struct fixture *f, struct profile profile)
{
    struct profile_context context = context_of(f);
    struct profile_tokens loaded;
    check(f, profile_tokens_load(&context, salesforce(), &profile, &f->arena, &loaded, &f->error));
    return loaded;
}

static void assert_access_token(struct fixture *f, struct profile profile, const char *expected)
{
    struct profile_tokens loaded = load(f, profile);
    if (expected)
        assert_true(str_eq(loaded.tokens.access_token, str_from(expected)));
    else
        assert_null(loaded.tokens.access_token.data);
}

static void tokens_come_back(void **state)
{
    struct fixture *f = *state;
    assert_access_token(f, row(100, 100), NULL);
    put(f, row(100, 100), NULL, tokens("t1", 77));
    struct profile_tokens loaded = load(f, row(100, 100));
    assert_true(str_eq(loaded.tokens.access_token, STR("t1")));
    assert_int_equal(loaded.tokens.expires_at_ms, 77);
    assert_int_equal(raw(f->path, "SELECT expires_at_ms FROM oauth_tokens"), 77);
}

static void tokens_of_other_credentials_are_of_no_use(void **state)
{
    struct fixture *f = *state;
    put(f, row(100, 100), NULL, tokens("t1", 0));
    assert_access_token(f, row(101, 101), NULL);
    assert_access_token(f, row(101, 100), "t1"); /* a change that kept the credentials */
}

static void a_renewal_is_no_conflict_for_an_update(void **state)
{
    struct fixture *f = *state;
    put(f, row(100, 100), NULL, tokens("t1", 0));
    struct profile_tokens seen_by_update = load(f, row(100, 100));
    put(f, row(100, 100), &seen_by_update, tokens("t2", 0)); /* the renewal */
    put(f, row(101, 100), &seen_by_update, seen_by_update.tokens);
    assert_access_token(f, row(101, 100), "t2");
    put(f, row(102, 100), &seen_by_update, tokens("late", 0));
    assert_access_token(f, row(102, 100), "t2"); /* the first one stays */
}

static void new_credentials_win_over_a_renewal_of_the_old_ones(void **state)
{
    struct fixture *f = *state;
    put(f, row(100, 100), NULL, tokens("t1", 0));
    struct profile_tokens seen_by_renewal = load(f, row(100, 100));
    put(f, row(101, 101), NULL, tokens("new", 0));
    put(f, row(100, 100), &seen_by_renewal, tokens("renewed", 0));
    assert_access_token(f, row(101, 101), "new");
}

/* --- a renewal whose lease was lost --- */

static void put_renewed(struct fixture *f, struct profile profile,
                        const struct profile_tokens *before, struct oauth_tokens new_tokens,
                        const char *spent)
{
    struct secret *secret = secret_new(STR("a service secret of 32 bytes. .."));
    struct profile_context context = context_of(f);
    unsigned char digest[TOKENS_DIGEST_SIZE];
    context.service_secret = secret;
    tokens_digest(&context, str_from(spent), digest);
    struct profile_tokens_question question = {
        .profile = &profile, .before = before, .tokens = &new_tokens, .spent = digest};
    struct write write = {.key = profile.key};
    check(f, profile_tokens_plan(&context, &question, &f->arena, &write.change, &f->error));
    check(f, store_apply(f->store, apply, &write, false, &f->error));
    secret_free(secret);
}

static struct oauth_tokens pair(const char *access_token, const char *refresh_token)
{
    return (struct oauth_tokens){.access_token = str_from(access_token),
                                 .refresh_token = str_from(refresh_token)};
}

/* What it got may be the only tokens that work: they are stored where the refresh token that was
 * given for them is still the one that is stored, whatever happened to the row meanwhile. */
static void a_late_renewal_lands_by_the_token_that_it_spent(void **state)
{
    struct fixture *f = *state;
    put_renewed(f, row(100, 100), NULL, pair("t1", "r1"), "none");
    struct profile_tokens seen_late = load(f, row(100, 100));
    put_renewed(f, row(100, 100), &seen_late, pair("t2", "r1"), "r1");
    assert_access_token(f, row(100, 100), "t2");
    put_renewed(f, row(100, 100), &seen_late, pair("t3", "r2"), "r1");
    assert_access_token(f, row(100, 100), "t3");
    assert_true(str_eq(load(f, row(100, 100)).tokens.refresh_token, STR("r2")));
    /* Its clock may be behind that of the node that stored what is there. */
    raw(f->path, "UPDATE oauth_tokens SET version = 4000000000000000");
    put_renewed(f, row(100, 100), &seen_late, pair("t4", "r2"), "r2");
    assert_access_token(f, row(100, 100), "t4");
    put_renewed(f, row(100, 100), &seen_late, pair("later", "r3"), "r1");
    assert_access_token(f, row(100, 100), "t4"); /* the row has another refresh token by now */
    put_renewed(f, row(101, 101), NULL, pair("new", "r1"), "none");
    put_renewed(f, row(100, 100), &seen_late, pair("of the old", "r4"), "r1");
    assert_access_token(f, row(101, 101), "new"); /* of other credentials */
}

/* --- refresh tokens that were replaced --- */

static bool is_replaced(struct fixture *f, const char *refresh_token)
{
    struct secret *secret = secret_new(STR("a service secret of 32 bytes. .."));
    struct profile_context context = context_of(f);
    unsigned char digest[TOKENS_DIGEST_SIZE];
    context.service_secret = secret;
    tokens_digest(&context, str_from(refresh_token), digest);
    bool replaced = replaced_tokens_has(&f->arena, load(f, row(100, 100)).replaced, digest);
    secret_free(secret);
    return replaced;
}

static void what_a_renewal_replaced_stays_known(void **state)
{
    struct fixture *f = *state;
    put_renewed(f, row(100, 100), NULL, pair("t1", "r1"), "given");
    assert_true(is_replaced(f, "given"));
    assert_false(is_replaced(f, "r1"));
    for (int i = 1; i <= REPLACED_TOKENS_MAX; i++) {
        struct profile_tokens before = load(f, row(100, 100));
        char spent[16], next[16];
        snprintf(spent, sizeof(spent), "r%d", i);
        snprintf(next, sizeof(next), "r%d", i + 1);
        put_renewed(f, row(100, 100), &before, pair("t", next), spent);
        assert_true(is_replaced(f, spent));
        assert_false(is_replaced(f, next));
    }
    assert_true(is_replaced(f, "r1"));
    assert_false(is_replaced(f, "given")); /* the oldest one has left the list */
    assert_int_equal(load(f, row(100, 100)).replaced.len,
                     REPLACED_TOKENS_MAX * REPLACED_TOKEN_CHARS);
}

static void a_refresh_token_that_stays_is_not_replaced(void **state)
{
    struct fixture *f = *state;
    put_renewed(f, row(100, 100), NULL, pair("t1", "r1"), "r1");
    struct profile_tokens before = load(f, row(100, 100));
    put_renewed(f, row(100, 100), &before, pair("t2", "r1"), "r1");
    assert_false(is_replaced(f, "r1"));
}

static void new_credentials_without_tokens_leave_none(void **state)
{
    struct fixture *f = *state;
    put(f, row(100, 100), NULL, tokens("t1", 0));
    put(f, row(101, 101), NULL, (struct oauth_tokens){0});
    assert_int_equal(raw(f->path, "SELECT count(*) FROM oauth_tokens"), 0);
}

static void a_row_of_another_profile_or_version_does_not_open(void **state)
{
    static const char *const faults[] = {
        "UPDATE oauth_tokens SET name = 'other'",
        "UPDATE oauth_tokens SET version = version + 1",
        "UPDATE oauth_tokens SET credentials_version = 101",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        struct profile profile = row(101, i == 2 ? 101 : 100);
        struct profile_tokens loaded;
        raw(f->path, "DELETE FROM oauth_tokens");
        put(f, row(100, 100), NULL, tokens("t1", 0));
        raw(f->path, faults[i]);
        profile.key.name = i == 0 ? STR("other") : profile.key.name;
        struct profile_context context = context_of(f);
        assert_false(
            profile_tokens_load(&context, salesforce(), &profile, &f->arena, &loaded, &f->error));
        assert_int_equal(f->error.code, ERR_INTERNAL);
    }
}

static bool apply_delete_crm(struct db *db, void *argument, struct error *error)
{
    return profile_delete(db, *(struct profile_key *)argument, error);
}

static bool apply_insert_row(struct db *db, void *argument, struct error *error)
{
    return profile_insert(db, argument, 0, error);
}

static void a_deleted_profile_leaves_no_tokens(void **state)
{
    struct fixture *f = *state;
    struct profile profile = row(100, 100);
    check(f, store_apply(f->store, apply_insert_row, &profile, false, &f->error));
    put(f, profile, NULL, tokens("t1", 0));
    check(f, store_apply(f->store, apply_delete_crm, &profile.key, true, &f->error));
    assert_int_equal(raw(f->path, "SELECT count(*) FROM oauth_tokens"), 0);
}

/* --- what an earlier version wrote --- */

/* A profile whose tokens are in the same sealed document as its credentials. */
static void insert_old(struct fixture *f, const char *name, const char *document)
{
    struct profile profile = row(100, 0);
    profile.key.name = str_from(name);
    struct seal_binding binding = profile_seal_binding(&profile, &f->arena);
    profile.sealed_credentials = seal_close_old(keyring, &binding, str_from(document), &f->arena);
    check(f, store_apply(f->store, apply_insert_row, &profile, false, &f->error));
}

static void make_old(struct fixture *f)
{
    fixture_close(f);
    raw(f->path, "UPDATE profiles SET credentials_version = NULL");
    fixture_open(f);
}

static void tokens_of_an_earlier_version_get_rows_of_their_own(void **state)
{
    struct fixture *f = *state;
    insert_old(f, "crm",
               "{\"credentials\":{},\"tokens\":{\"accessToken\":\"t1\",\"expiresAtMs\":9}}");
    insert_old(f, "none", "{\"credentials\":{},\"tokens\":{}}");
    for (int i = 0; i < 250; i++) /* more than one page */
        insert_old(f, arena_printf(&f->arena, "n%d", i).data, "{\"credentials\":{},\"tokens\":{}}");
    make_old(f);
    check(f, profile_upgrade(f->store, keyring, &f->error));
    assert_access_token(f, row(100, 100), "t1");
    assert_int_equal(raw(f->path, "SELECT count(*) FROM oauth_tokens"), 1);
    assert_int_equal(raw(f->path, "SELECT count(*) FROM profiles WHERE credentials_version = 100"),
                     252);
    check(f, profile_upgrade(f->store, keyring, &f->error)); /* nothing is left to do */
    assert_int_equal(raw(f->path, "SELECT version FROM oauth_tokens"), 100);
}

static void a_seal_that_does_not_open_does_not_keep_the_others_back(void **state)
{
    struct fixture *f = *state;
    struct profile broken = row(100, 0);
    broken.key.name = STR("broken");
    check(f, store_apply(f->store, apply_insert_row, &broken, false, &f->error));
    insert_old(f, "crm", "{\"credentials\":{},\"tokens\":{\"accessToken\":\"t1\"}}");
    make_old(f);
    check(f, profile_upgrade(f->store, keyring, &f->error));
    assert_access_token(f, row(100, 100), "t1");
    assert_int_equal(raw(f->path, "SELECT count(*) FROM profiles WHERE substr("
                                  "sealed_credentials, 1, 3) = CAST('HG2' AS BLOB)"),
                     1);
    assert_int_equal(raw(f->path, "SELECT count(*) FROM profiles WHERE name = 'broken' AND"
                                  " sealed_credentials = CAST('sealed' AS BLOB)"),
                     1);
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
        test_with_store(tokens_come_back),
        test_with_store(tokens_of_other_credentials_are_of_no_use),
        test_with_store(a_renewal_is_no_conflict_for_an_update),
        test_with_store(new_credentials_win_over_a_renewal_of_the_old_ones),
        test_with_store(a_late_renewal_lands_by_the_token_that_it_spent),
        test_with_store(what_a_renewal_replaced_stays_known),
        test_with_store(a_refresh_token_that_stays_is_not_replaced),
        test_with_store(new_credentials_without_tokens_leave_none),
        test_with_store(a_row_of_another_profile_or_version_does_not_open),
        test_with_store(a_deleted_profile_leaves_no_tokens),
        test_with_store(tokens_of_an_earlier_version_get_rows_of_their_own),
        test_with_store(a_seal_that_does_not_open_does_not_keep_the_others_back),
    };
    return cmocka_run_group_tests_name("profile tokens", tests, begin, end);
}
