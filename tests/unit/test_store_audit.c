/* The audit's chain: what was changed, moved, added or removed in the database is found, and what
 * the store does by itself is not taken for that. */
#include "store_fixture.h"
#include "store_raw.h"

#include "base/clock.h"
#include "store/audit_verify.h"
#include "store/core/audit_chain.h"
#include "store/core/internal.h"

enum { ROWS = 6 };

static char found[4096]; /* the sentences of the last check */

static void keep_sentence(const char *sentence)
{
    size_t len = strlen(found);
    snprintf(found + len, sizeof(found) - len, "%s\n", sentence);
}

static struct audit_check verify(struct fixture *f)
{
    struct audit_check check = {.tell = keep_sentence};
    found[0] = '\0';
    store_reader_rest(f->reader);
    check(f, audit_verify(f->store, f->reader, &check, &f->error));
    return check;
}

static struct audit_entry sample_entry(const char *resource)
{
    return (struct audit_entry){
        .at_ms = fixture_now_ms,
        .account = STR("123456789012"),
        .access_key_id = STR("AKIAONE"),
        .operation = STR("UpdateConnectorProfile"),
        .resource = str_from(resource),
        .outcome = STR("ok"),
        .detail = STR(""),
    };
}

static bool apply_entry(struct db *db, void *argument, struct error *error)
{
    return audit_add(db, argument, error);
}

static void add(struct fixture *f, const char *resource)
{
    struct audit_entry entry = sample_entry(resource);
    fixture_now_ms++;
    check(f, store_apply(f->store, apply_entry, &entry, false, &f->error));
}

static void add_rows(struct fixture *f)
{
    for (int i = 0; i < ROWS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i + 1);
        add(f, name);
    }
}

/* --- what was done to the database by others --- */

static void tampering_is_found(void **state)
{
    static const struct {
        const char *sql, *sentence;
    } rows[] = {
        {"UPDATE audit SET resource = 'other' WHERE position = 3",
         "Audit entry 3 of chain 0 (2023-11-14T22:13:20Z, UpdateConnectorProfile) was changed, "
         "moved "
         "or added.\n"},
        {"UPDATE audit SET access_key_id = NULL WHERE position = 3", "Audit entry 3 of chain 0"},
        {"UPDATE audit SET os_user = 'root' WHERE position = 3", "Audit entry 3 of chain 0"},
        {"UPDATE audit SET outcome = '' WHERE position = 6", "Audit entry 6 of chain 0"},
        {"UPDATE audit SET version = 9 WHERE position = 1", "Audit entry 1 of chain 0"},
        {"UPDATE audit SET mac = NULL WHERE position = 3", "Audit entry 3 of chain 0"},
        {"UPDATE audit SET mac = x'00' WHERE position = 6", "Audit entry 6 of chain 0"},
        {"UPDATE audit SET at_ms = 1 WHERE position = 2", "Audit entry 2 of chain 0 (1970"},
        {"DELETE FROM audit WHERE position = 3", "Audit entry 3 of chain 0 is missing.\n"},
        {"DELETE FROM audit WHERE position IN (3, 4)",
         "Audit entries 3 to 4 of chain 0 are missing.\n"},
        {"DELETE FROM audit WHERE position = 1", "Audit entry 1 of chain 0 is missing.\n"},
        {"DELETE FROM audit WHERE position >= 5",
         "Audit entries missing at the end of chain 0: 2.\n"},
        {"DELETE FROM audit", "Audit entries missing at the end of chain 0: 6.\n"},
        {"UPDATE audit SET position = 7 WHERE position = 2",
         "Audit entry 2 of chain 0 is missing.\nChain 0 has audit entries behind its end, up to "
         "entry 7.\n"},
        {"INSERT INTO audit SELECT position + 6, at_ms, account, region, request_id, access_key_id,"
         " os_user, operation, resource, outcome, detail, version, repeated, last_at_ms, mac"
         " FROM audit WHERE position = 6",
         "Chain 0 has audit entries behind its end, up to entry 12.\n"},
        {"UPDATE audit SET position = 1 << 40 WHERE position = 2",
         "Audit entries that belong to no chain: 1.\nAudit entry 2 of chain 0 is missing.\n"},
        {"UPDATE audit SET resource = (SELECT resource FROM audit WHERE position = 4)"
         " WHERE position = 3",
         "Audit entry 3 of chain 0"},
        {"UPDATE audit_bounds SET seq = 5, mac = (SELECT mac FROM audit WHERE position = 5)"
         " WHERE id = 1",
         "The end of the audit's chain 0 is missing or was changed.\n"},
        {"UPDATE audit_bounds SET seq = 1, mac = (SELECT mac FROM audit WHERE position = 1)"
         " WHERE id = 0",
         "The begin of the audit's chain 0 is missing or was changed.\n"},
        {"DELETE FROM audit_bounds WHERE id = 1",
         "The end of the audit's chain 0 is missing or was changed.\n"},
        {"DELETE FROM audit_bounds", "Audit entries that belong to no chain: 6.\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        void *own;
        fixture_setup(&own);
        struct fixture *f = own;
        add_rows(f);
        struct audit_check whole = verify(f);
        assert_int_equal(whole.problems, 0);
        assert_int_equal(whole.rows, ROWS);
        raw(f->path, rows[i].sql);
        struct audit_check check = verify(f);
        if (check.problems == 0 || strncmp(found, rows[i].sentence, strlen(rows[i].sentence)) != 0)
            fail_msg("%s: %s", rows[i].sql, found);
        fixture_teardown(&own);
    }
}

/* Two rows change places, with everything but the position. */
static void moved_rows_are_found(void **state)
{
    struct fixture *f = *state;
    add_rows(f);
    raw(f->path, "UPDATE audit SET position = 100 WHERE position = 2");
    raw(f->path, "UPDATE audit SET position = 2 WHERE position = 4");
    raw(f->path, "UPDATE audit SET position = 4 WHERE position = 100");
    assert_true(verify(f).problems >= 2);
    assert_non_null(strstr(found, "Audit entry 2 of chain 0"));
    assert_non_null(strstr(found, "Audit entry 4 of chain 0"));
}

/* An attacker who kept the head of before can cut rows off, but not while the server runs. */
static void an_older_head_is_noticed_by_the_running_server(void **state)
{
    struct fixture *f = *state;
    add(f, "kept");
    raw(f->path, "CREATE TABLE head AS SELECT * FROM audit_bounds");
    add(f, "cut off");
    raw(f->path, "DELETE FROM audit WHERE position = 2");
    raw(f->path, "INSERT OR REPLACE INTO audit_bounds SELECT * FROM head");
    assert_int_equal(verify(f).problems, 0);
    uint64_t cut_off = atomic_load(&f->store->audit->cut_off);
    add(f, "next");
    assert_int_equal(atomic_load(&f->store->audit->cut_off), cut_off + 1);
}

/* --- what the store does --- */

static void the_chain_goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    add(f, "a");
    fixture_close(f);
    fixture_open(f);
    add(f, "b");
    struct audit_check check = verify(f);
    assert_int_equal(check.problems, 0);
    assert_int_equal(check.rows, 2);
    assert_true(check.since_ms > 0);
}

static bool apply_and_fail(struct db *db, void *argument, struct error *error)
{
    return audit_add(db, argument, error) && fail(error, ERR_CONFLICT, "This write fails.");
}

/* A write that is undone leaves no gap. */
static void failed_writes_leave_no_gap(void **state)
{
    struct fixture *f = *state;
    struct audit_entry entry = sample_entry("undone");
    add(f, "a");
    assert_false(store_apply(f->store, apply_and_fail, &entry, false, &f->error));
    add(f, "b");
    assert_int_equal(verify(f).problems, 0);
    assert_int_equal(raw(f->path, "SELECT max(position) FROM audit"), 2);
}

/* A write that fails may be the one that the head was read for: the chain then ends at that head,
 * and not at what was known of another chain before. */
static void an_undone_write_does_not_move_the_head_back(void **state)
{
    (void)state;
    struct audit_chain chain = {.tail.seq = 1};
    struct audit_mark before = audit_chain_mark(&chain);
    chain.is_known = true; /* as when a head is read */
    chain.head.seq = chain.tail.seq = 3;
    chain.tail.seq++;
    audit_chain_undo(&chain, &before);
    assert_int_equal(chain.tail.seq, 3);
    chain.tail.seq++; /* a row that stays */
    struct audit_mark between = audit_chain_mark(&chain);
    chain.tail.seq++;
    audit_chain_undo(&chain, &between);
    assert_int_equal(chain.tail.seq, 4);
}

/* A command beside the server writes to the same chain, in turn. */
static void two_processes_write_to_one_chain(void **state)
{
    struct fixture *f = *state;
    struct fixture tool = *f;
    struct store_config config = fixture_config(f);
    check(f, store_attach(&config, &tool.store, &f->error));
    fixture_use_audit_key(tool.store);
    for (int i = 0; i < 5; i++) {
        add(f, "server");
        add(&tool, "tool");
        add(&tool, "tool");
    }
    store_close(tool.store);
    struct audit_check check = verify(f);
    assert_int_equal(check.problems, 0);
    assert_int_equal(check.rows, 15);
}

/* Retention moves the anchor; what is removed beyond it is found. */
static void expiry_keeps_the_chain(void **state)
{
    struct fixture *f = *state;
    struct expiry expiry = {0};
    add_rows(f);
    int64_t third_ms = raw(f->path, "SELECT at_ms FROM audit WHERE position = 3");
    expiry.now_ms = third_ms + AUDIT_LIFE_MS;
    check(f, store_apply(f->store, expiry_apply, &expiry, false, &f->error));
    assert_int_equal(expiry.removed, 3);
    struct audit_check check = verify(f);
    assert_string_equal(found, "");
    assert_int_equal(check.rows, ROWS - 3);
    assert_int_equal(check.since_ms, third_ms);
    add(f, "more");
    assert_int_equal(verify(f).problems, 0);
    raw(f->path, "DELETE FROM audit WHERE position = 4");
    assert_int_equal(verify(f).problems, 1);
    expiry = (struct expiry){.now_ms = fixture_now_ms + AUDIT_LIFE_MS};
    check(f, store_apply(f->store, expiry_apply, &expiry, false, &f->error));
    assert_int_equal(raw(f->path, "SELECT count(*) FROM audit"), 0);
    add(f, "last");
    assert_int_equal(verify(f).problems, 0);
}

/* --- a chain that does not fit --- */

static void a_damaged_chain_is_not_written_to(void **state)
{
    struct fixture *f = *state;
    struct audit_entry entry = sample_entry("refused");
    add(f, "a");
    raw(f->path, "UPDATE audit_bounds SET at_ms = at_ms + 1 WHERE id = 1");
    fixture_close(f);
    fixture_open(f);
    assert_false(store_apply(f->store, apply_entry, &entry, false, &f->error));
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(f->error.message, "headgate audit accept"));
    store_set_audit_optional(f->store, true);
    check(f, store_apply(f->store, apply_entry, &entry, false, &f->error));
    assert_int_equal(store_audit_rows_lost(f->store), 1);
    assert_int_equal(raw(f->path, "SELECT count(*) FROM audit"), 1);
}

static bool apply_anew(struct db *db, void *argument, struct error *error)
{
    return audit_begin_anew(db, error) && audit_add(db, argument, error);
}

static void it_begins_anew_behind_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct audit_entry entry = sample_entry("accepted");
    add_rows(f);
    raw(f->path, "UPDATE audit SET resource = 'other' WHERE position = 3");
    check(f, store_apply(f->store, apply_anew, &entry, false, &f->error));
    add(f, "next");
    struct audit_check check = verify(f);
    assert_string_equal(found, "");
    assert_int_equal(check.rows, 2);
    assert_int_equal(check.unchained, ROWS);
    struct expiry expiry = {.now_ms = fixture_now_ms + AUDIT_LIFE_MS};
    check(f, store_apply(f->store, expiry_apply, &expiry, false, &f->error));
    assert_int_equal(expiry.removed, ROWS + 2);
}

static void without_its_key_nothing_is_written(void **state)
{
    struct fixture *f = *state;
    struct store_config config = fixture_config(f);
    struct audit_entry entry = sample_entry("a");
    fixture_close(f);
    check(f, store_open(&config, &f->store, &f->error));
    assert_false(store_apply(f->store, apply_entry, &entry, false, &f->error));
    assert_int_equal(f->error.code, ERR_INTERNAL);
}

/* --- rows --- */

static void long_details_are_cut_at_a_character(void **state)
{
    struct fixture *f = *state;
    char detail[AUDIT_DETAIL_MAX + 100];
    struct audit_entry entry = sample_entry("a");
    memset(detail, 'x', sizeof(detail));
    memcpy(detail + AUDIT_DETAIL_MAX - 1, "\xe2\x82\xac", 3);
    entry.detail = (struct str){detail, sizeof(detail)};
    check(f, store_apply(f->store, apply_entry, &entry, false, &f->error));
    assert_int_equal(raw(f->path, "SELECT length(detail) FROM audit"), AUDIT_DETAIL_MAX - 1);
    assert_int_equal(verify(f).problems, 0);
}

static void every_column_comes_back(void **state)
{
    struct fixture *f = *state;
    struct audit_entry entry = sample_entry("a");
    struct audit_filter filter = {.account = STR_NULL};
    struct audit_row *rows;
    struct audit_end *ends;
    size_t count;
    entry.os_user = STR("operator");
    entry.version = 7;
    entry.repeated = 8;
    entry.last_at_ms = 9;
    check(f, store_apply(f->store, apply_entry, &entry, false, &f->error));
    check(f, audit_list(f->reader, &f->arena, &filter, 10, &rows, &count, &f->error));
    assert_int_equal(count, 1);
    assert_true(str_eq(rows[0].entry.os_user, STR("operator")));
    assert_null(rows[0].entry.region.data);
    assert_int_equal(rows[0].entry.version, 7);
    assert_int_equal(rows[0].entry.repeated, 8);
    assert_int_equal(rows[0].entry.last_at_ms, 9);
    assert_int_equal(rows[0].number, 1);
    assert_int_equal(rows[0].mac.len, AUDIT_MAC_SIZE);
    check(f, audit_ends(f->reader, &f->arena, &ends, &count, &f->error));
    assert_int_equal(count, 1);
    assert_int_equal(ends[0].number, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tampering_is_found),
        test_with_store(moved_rows_are_found),
        test_with_store(an_older_head_is_noticed_by_the_running_server),
        test_with_store(the_chain_goes_on_after_a_restart),
        test_with_store(failed_writes_leave_no_gap),
        cmocka_unit_test(an_undone_write_does_not_move_the_head_back),
        test_with_store(two_processes_write_to_one_chain),
        test_with_store(expiry_keeps_the_chain),
        test_with_store(a_damaged_chain_is_not_written_to),
        test_with_store(it_begins_anew_behind_what_is_there),
        test_with_store(without_its_key_nothing_is_written),
        test_with_store(long_details_are_cut_at_a_character),
        test_with_store(every_column_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
