/* Which failed changes have a row in the audit: repeats are counted, and an account has a share. */
#include "store_fixture.h"

#include "api/audit_failures.h"
#include "base/clock.h"

enum { WINDOW_MS = 60 * 60 * 1000, SHORT_MS = 20, WAIT_MS = 30 * 1000, SHARE = 5 };

static struct audit_failures *begin(struct fixture *f, long rows_an_hour, int64_t window_ms)
{
    return audit_failures_new(&(struct audit_failures_config){
        .store = f->store, .rows_an_hour = rows_an_hour, .window_ms = window_ms});
}

static void add(struct audit_failures *failures, const char *account, const char *resource,
                const char *outcome)
{
    struct audit_entry entry = {
        .at_ms = fixture_now_ms++,
        .request_id = STR("r"),
        .account = str_from(account),
        .operation = STR("CreateConnectorProfile"),
        .resource = str_from(resource),
        .outcome = str_from(outcome),
        .detail = STR("The vendor did not accept it."),
    };
    audit_failures_add(failures, &entry);
}

static bool apply_nothing(struct db *db, void *argument, struct error *error)
{
    (void)db, (void)argument, (void)error;
    return true;
}

static size_t list(struct fixture *f, const char *account, struct audit_row **ret_rows)
{
    const struct audit_filter filter = {.account = str_from(account)};
    size_t count;
    check(f, store_apply(f->store, apply_nothing, NULL, false, &f->error)); /* after the rows */
    store_reader_rest(f->reader);
    check(f, audit_list(f->reader, &f->arena, &filter, 10000, ret_rows, &count, &f->error));
    return count;
}

#define ONE "123456789012"
#define OTHER "111122223333"

static void repeats_are_counted_in_one_row(void **state)
{
    struct fixture *f = *state;
    struct audit_row *rows;
    struct audit_failures *failures = begin(f, 0, WINDOW_MS);
    int64_t begun_ms = fixture_now_ms;
    for (int i = 0; i < 1000; i++)
        add(failures, ONE, "mine", "ConnectorAuthenticationException");
    add(failures, ONE, "mine", "ValidationException");
    add(failures, ONE, "yours", "ConnectorAuthenticationException");
    add(failures, OTHER, "mine", "ConnectorAuthenticationException");
    assert_int_equal(list(f, ONE, &rows), 3);
    assert_int_equal(rows[0].entry.repeated, 0);
    assert_true(str_eq(rows[0].entry.request_id, STR("r")));
    assert_int_equal(list(f, OTHER, &rows), 1);
    audit_failures_free(failures);
    assert_int_equal(list(f, ONE, &rows), 4);
    assert_int_equal(rows[3].entry.repeated, 999);
    assert_int_equal(rows[3].entry.last_at_ms, begun_ms + 999);
    assert_true(str_eq(rows[3].entry.resource, STR("mine")));
    assert_true(str_eq(rows[3].entry.detail, STR("The vendor did not accept it.")));
    assert_null(rows[3].entry.request_id.data);
    assert_int_equal(list(f, OTHER, &rows), 1);
}

/* By itself: nothing else happens meanwhile. */
static void a_window_ends(void **state)
{
    struct fixture *f = *state;
    struct audit_row *rows;
    struct audit_failures *failures = begin(f, 0, SHORT_MS);
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    for (int i = 0; i < 10; i++)
        add(failures, ONE, "mine", "ConnectorAuthenticationException");
    while (list(f, ONE, &rows) < 2) {
        assert_true(clock_mono_ms() < until_ms);
        clock_nap_us(1000);
    }
    audit_failures_free(failures);
}

static void without_a_window_each_has_a_row(void **state)
{
    struct fixture *f = *state;
    struct audit_row *rows;
    struct audit_failures *failures = begin(f, 0, 0);
    for (int i = 0; i < 10; i++)
        add(failures, ONE, "mine", "ConnectorAuthenticationException");
    audit_failures_free(failures);
    assert_int_equal(list(f, ONE, &rows), 10);
}

/* Whatever the names are: rows of an account are bounded, and a notice has the number of the rest.
 * Other accounts have their own share. */
static void an_account_has_a_share(void **state)
{
    struct fixture *f = *state;
    struct audit_row *rows;
    struct audit_failures *failures = begin(f, SHARE, WINDOW_MS);
    for (int i = 0; i < 3000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        add(failures, ONE, name, "ConnectorAuthenticationException");
    }
    add(failures, OTHER, "p", "ConnectorAuthenticationException");
    audit_failures_free(failures);
    assert_int_equal(list(f, ONE, &rows), SHARE + 1);
    assert_true(str_eq(rows[SHARE].entry.operation, STR("AuditEntriesLeftOut")));
    assert_int_equal(rows[SHARE].entry.repeated, 3000 - SHARE);
    assert_non_null(strstr(arena_cstr(&f->arena, rows[SHARE].entry.detail), "2995 failed changes"));
    assert_int_equal(list(f, OTHER, &rows), 1);
}

/* More kinds than there are windows: none is lost, each row says how many. */
static void windows_are_used_again(void **state)
{
    struct fixture *f = *state;
    struct audit_row *rows;
    struct audit_failures *failures = begin(f, 0, WINDOW_MS);
    int64_t all = 0;
    for (int i = 0; i < 2 * AUDIT_FAILURES_KINDS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        for (int j = 0; j < 3; j++)
            add(failures, ONE, name, "ConnectorAuthenticationException");
    }
    audit_failures_free(failures);
    size_t count = list(f, ONE, &rows);
    for (size_t i = 0; i < count; i++)
        all += rows[i].entry.repeated > 0 ? rows[i].entry.repeated : 1;
    assert_int_equal(all, 3 * 2 * AUDIT_FAILURES_KINDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(repeats_are_counted_in_one_row),  test_with_store(a_window_ends),
        test_with_store(without_a_window_each_has_a_row), test_with_store(an_account_has_a_share),
        test_with_store(windows_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
