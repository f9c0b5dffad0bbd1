/* States and ids of runs, each without a store; and what a store does with runs. */
#include "store_fixture.h"

#include "flow/run.h"
#include "flow/run_id.h"
#include "store/core/internal.h"

/* --- states --- */

#define NONE RUN_STATES

/* Every cell: what each event leads to, in the order of enum run_event. */
static const struct {
    enum run_state from;
    enum run_state to[RUN_EVENTS];
} cells[] = {
    {RUN_IN_PROGRESS, {RUN_CANCEL_STARTED, RUN_SUCCESSFUL, RUN_ERROR, NONE}},
    {RUN_CANCEL_STARTED, {RUN_CANCEL_STARTED, RUN_CANCELED, RUN_CANCELED, RUN_CANCELED}},
    {RUN_SUCCESSFUL, {NONE, NONE, NONE, NONE}},
    {RUN_ERROR, {NONE, NONE, NONE, NONE}},
    {RUN_CANCELED, {NONE, NONE, NONE, NONE}},
};

static void each_event_leads_where_the_table_says(void **state)
{
    size_t seen = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
        for (int event = 0; event < RUN_EVENTS; event++, seen++) {
            enum run_state next = NONE;
            bool can = run_state_next(cells[i].from, (enum run_event)event, &next);
            assert_int_equal(next, cells[i].to[event]);
            assert_int_equal(can, next != NONE);
        }
    }
    assert_int_equal(seen, RUN_STATES * RUN_EVENTS);
}

static void nothing_leads_out_of_a_last_state(void **state)
{
    (void)state;
    for (int from = 0; from < RUN_STATES; from++) {
        bool leads = false;
        enum run_state next;
        for (int event = 0; event < RUN_EVENTS; event++)
            leads |= run_state_next((enum run_state)from, (enum run_event)event, &next);
        assert_int_equal(leads, !run_state_is_last((enum run_state)from));
    }
}

static void names_are_the_api_s(void **state)
{
    static const char *const names[RUN_STATES] = {"InProgress", "CancelStarted", "Successful",
                                                  "Error", "Canceled"};
    (void)state;
    for (int i = 0; i < RUN_STATES; i++) {
        enum run_state read = RUN_STATES;
        assert_true(str_eq(run_state_name((enum run_state)i), str_from(names[i])));
        assert_true(run_state_read(str_from(names[i]), &read));
        assert_int_equal(read, i);
    }
    enum run_state read;
    assert_false(run_state_read(STR("inprogress"), &read));
    assert_false(run_state_read(STR_NULL, &read));
}

/* --- ids --- */

static void an_id_is_a_uuid_that_begins_with_its_time(void **state)
{
    char id[UUID_SIZE];
    (void)state;
    flow_run_id_make(0x0123456789abLL, STR_NULL, id);
    assert_int_equal(strlen(id), 36);
    assert_memory_equal(id, "01234567-89ab-7", 15);
    assert_non_null(strchr("89ab", id[19]));
}

/* Also when the clock is set back, or stands still. */
static void ids_grow(void **state)
{
    static const int64_t clock_ms[] = {1000, 1000, 999, 5, 0, 2000, 0xffffff, 0xffffff};
    char before[UUID_SIZE] = "", id[UUID_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(clock_ms) / sizeof(*clock_ms); i++) {
        flow_run_id_make(clock_ms[i], str_from(before), id);
        assert_true(strcmp(id, before) > 0);
        strcpy(before, id);
    }
}

/* --- rows --- */

static struct flow_key key_of(const char *name)
{
    return (struct flow_key){STR("123456789012"), STR("eu-central-1"), str_from(name)};
}

static bool apply_flow(struct db *db, void *argument, struct error *error)
{
    const struct flow_row row = {
        .key = key_of(argument),
        .version = 100,
        .status = STR("Active"),
        .trigger_type = STR("OnDemand"),
        .summary = STR("{}"),
        .definition = STR("{\"tasks\":[]}"),
        .mac = STR("m"),
    };
    return flow_row_insert(db, &row, error);
}

static void make_flow(struct fixture *f, char *name)
{
    check(f, store_apply(f->store, apply_flow, name, false, &f->error));
}

static struct flow_run_row sample_run(const char *flow, const char *id)
{
    return (struct flow_run_row){
        .flow = key_of(flow),
        .id = str_from(id),
        .state = FLOW_RUN_IN_PROGRESS,
        .started_at_ms = 50,
        .definition = STR("{\"tasks\":[1]}"),
        .mac = STR("m\0c"),
    };
}

struct beginning {
    struct flow_run_row run;
    int64_t version;
};

static bool apply_begin(struct db *db, void *argument, struct error *error)
{
    const struct beginning *beginning = argument;
    return flow_run_insert(db, &beginning->run, beginning->version, error);
}

static bool begin_at(struct fixture *f, const char *flow, const char *id, int64_t version)
{
    struct beginning beginning = {sample_run(flow, id), version};
    return store_apply(f->store, apply_begin, &beginning, false, &f->error);
}

static bool begin(struct fixture *f, const char *flow, const char *id)
{
    return begin_at(f, flow, id, 100);
}

static struct flow_run_row found(struct fixture *f, const char *flow, const char *id)
{
    struct flow_run_row row = {0};
    bool is_there;
    check(f, flow_run_find(f->reader, &f->arena, key_of(flow), str_from(id), &row, &is_there,
                           &f->error));
    return row;
}

struct ending {
    struct flow_run_row run;
    enum run_event event;
    enum run_state ended_in;
};

static bool apply_end(struct db *db, void *argument, struct error *error)
{
    struct ending *ending = argument;
    const struct flow_key *flow = &ending->run.flow;
    const struct job_key job = {FLOW_RUN_JOB, flow->account, flow->region, flow->name};
    return flow_run_conclude(db, &ending->run, ending->event, &ending->ended_in, error) &&
           job_drop(db, &job, error);
}

static enum run_state end_run(struct fixture *f, const char *flow, const char *id,
                              enum run_event event)
{
    struct ending ending = {sample_run(flow, id), event, RUN_STATES};
    ending.run.updated_at_ms = 70;
    ending.run.counts = (struct flow_run_counts){1, 2, 3, 4};
    ending.run.message = STR("It broke.");
    check(f, store_apply(f->store, apply_end, &ending, false, &f->error));
    return ending.ended_in;
}

struct canceling {
    const char *flow, *id; /* id NULL: the one in progress */
    bool canceled;
};

static bool apply_cancel(struct db *db, void *argument, struct error *error)
{
    struct canceling *canceling = argument;
    struct flow_key flow = key_of(canceling->flow);
    return canceling->id
               ? flow_run_cancel(db, flow, str_from(canceling->id), 60, &canceling->canceled, error)
               : flow_run_cancel_newest(db, flow, 60, error);
}

static bool cancel(struct fixture *f, const char *flow, const char *id)
{
    struct canceling canceling = {flow, id, false};
    check(f, store_apply(f->store, apply_cancel, &canceling, false, &f->error));
    return canceling.canceled;
}

static size_t count_jobs(struct fixture *f)
{
    const struct job_filter filter = {
        .kind = FLOW_RUN_JOB, .now_ms = INT64_MAX, .abandoned = true, .limit = 100};
    struct job_row *rows;
    size_t count;
    check(f, job_list_due(f->reader, &f->arena, &filter, &rows, &count, &f->error));
    return count;
}

static void assert_error(const struct fixture *f, int code, const char *message)
{
    assert_string_equal(f->error.message, message);
    assert_int_equal(f->error.code, code);
}

static void a_run_begins_with_its_job_and_ends_without_its_definition(void **state)
{
    struct fixture *f = *state;
    make_flow(f, "nightly");
    check(f, begin(f, "nightly", "01"));
    struct flow_run_row row = found(f, "nightly", "01");
    assert_true(str_eq(row.state, FLOW_RUN_IN_PROGRESS));
    assert_int_equal(row.started_at_ms, 50);
    assert_int_equal(row.updated_at_ms, 50);
    assert_true(str_eq(row.definition, STR("{\"tasks\":[1]}")));
    assert_true(str_eq(row.mac, STR("m\0c")));
    assert_int_equal(count_jobs(f), 1);
    assert_int_equal(end_run(f, "nightly", "01", RUN_FAILS), RUN_ERROR);
    row = found(f, "nightly", "01");
    assert_true(str_eq(row.state, STR("Error")));
    assert_true(str_eq(row.message, STR("It broke.")));
    assert_int_equal(row.updated_at_ms, 70);
    assert_memory_equal(&row.counts, (&(struct flow_run_counts){1, 2, 3, 4}), sizeof(row.counts));
    assert_null(row.definition.data);
    assert_null(row.mac.data);
    assert_int_equal(count_jobs(f), 0);
    /* It has ended once and for all. */
    assert_int_equal(end_run(f, "nightly", "01", RUN_SUCCEEDS), RUN_STATES);
    assert_true(str_eq(found(f, "nightly", "01").state, STR("Error")));
    assert_int_equal(end_run(f, "nightly", "02", RUN_SUCCEEDS), RUN_STATES);
}

static void a_flow_has_one_run_at_a_time(void **state)
{
    struct fixture *f = *state;
    assert_false(begin(f, "nightly", "01"));
    assert_error(f, ERR_NOT_FOUND, "Flow with name nightly does not exist.");
    make_flow(f, "nightly");
    make_flow(f, "weekly");
    assert_false(begin_at(f, "nightly", "01", 99));
    assert_error(f, ERR_CONFLICT,
                 "Conflict executing request: Flow was changed by another request: nightly");
    check(f, begin(f, "nightly", "02"));
    assert_false(begin(f, "nightly", "03"));
    assert_error(f, ERR_CONFLICT, "Conflict executing request: Flow nightly is already running");
    check(f, begin(f, "weekly", "01"));
    assert_int_equal(end_run(f, "nightly", "02", RUN_SUCCEEDS), RUN_SUCCESSFUL);
    /* What a successful run has to say is of records that were left out. */
    assert_true(str_eq(found(f, "nightly", "02").message, STR("It broke.")));
    assert_true(cancel(f, "weekly", "01"));
    assert_int_equal(end_run(f, "weekly", "01", RUN_FAILS), RUN_CANCELED);
    assert_null(found(f, "weekly", "01").message.data);
    assert_false(begin(f, "nightly", "01")); /* which is older than one that has ended */
    assert_error(f, ERR_CONFLICT, "Conflict executing request: Flow nightly is already running");
    check(f, begin(f, "nightly", "03"));
}

static void a_run_is_canceled_while_it_is_in_progress(void **state)
{
    struct fixture *f = *state;
    make_flow(f, "nightly");
    assert_false(cancel(f, "nightly", "01")); /* there is none */
    cancel(f, "nightly", NULL);
    check(f, begin(f, "nightly", "01"));
    assert_false(cancel(f, "nightly", "02"));
    assert_true(cancel(f, "nightly", "01"));
    assert_true(str_eq(found(f, "nightly", "01").state, FLOW_RUN_CANCEL_STARTED));
    assert_int_equal(found(f, "nightly", "01").updated_at_ms, 60);
    assert_true(cancel(f, "nightly", "01")); /* the same request again */
    assert_false(begin(f, "nightly", "02"));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    assert_int_equal(end_run(f, "nightly", "01", RUN_GIVES_UP), RUN_CANCELED);
    assert_null(found(f, "nightly", "01").message.data);
    assert_false(cancel(f, "nightly", "01")); /* it has ended */
    check(f, begin(f, "nightly", "02"));
    cancel(f, "nightly", NULL);
    assert_true(str_eq(found(f, "nightly", "02").state, FLOW_RUN_CANCEL_STARTED));
    assert_int_equal(end_run(f, "nightly", "02", RUN_SUCCEEDS), RUN_CANCELED);
}

static bool apply_drop(struct db *db, void *argument, struct error *error)
{
    const struct flow_key flow = key_of(argument);
    return job_drop(db, &(struct job_key){FLOW_RUN_JOB, flow.account, flow.region, flow.name},
                    error);
}

static void a_run_that_lost_its_job_gets_one_to_end(void **state)
{
    struct fixture *f = *state;
    make_flow(f, "nightly");
    check(f, begin(f, "nightly", "01"));
    check(f, store_apply(f->store, apply_drop, "nightly", false, &f->error));
    assert_int_equal(count_jobs(f), 0);
    assert_true(cancel(f, "nightly", "01"));
    assert_int_equal(count_jobs(f), 1);
}

static void pages_are_from_the_newest(void **state)
{
    struct fixture *f = *state;
    struct flow_run_row *rows;
    size_t count;
    make_flow(f, "nightly");
    make_flow(f, "other");
    make_flow(f, "weekly");
    for (const char *id = "abc"; *id; id++) {
        const char text[] = {*id, '\0'};
        check(f, begin(f, "nightly", text));
        end_run(f, "nightly", text, RUN_SUCCEEDS);
    }
    check(f, begin(f, "weekly", "x"));
    check(f, flow_run_list(f->reader, &f->arena, key_of("nightly"), STR_NULL, 2, &rows, &count,
                           &f->error));
    assert_int_equal(count, 2);
    assert_true(str_eq(rows[0].id, STR("c")) && str_eq(rows[1].id, STR("b")));
    check(f, flow_run_list(f->reader, &f->arena, key_of("nightly"), STR("b"), 2, &rows, &count,
                           &f->error));
    assert_int_equal(count, 1);
    assert_true(str_eq(rows[0].id, STR("a")));
    check(f, flow_run_list_newest(f->reader, &f->arena, key_of("nightly"), STR("weekly"), &rows,
                                  &count, &f->error));
    assert_int_equal(count, 2);
    assert_true(str_eq(rows[0].flow.name, STR("nightly")) && str_eq(rows[0].id, STR("c")));
    assert_true(str_eq(rows[1].flow.name, STR("weekly")) && str_eq(rows[1].id, STR("x")));
}

/* Beyond those that are kept, in one write: a commit each would take seconds. */
static bool apply_many(struct db *db, void *argument, struct error *error)
{
    char id[16];
    (void)argument;
    for (int i = 0; i <= FLOW_RUNS_KEPT_MAX; i++) {
        snprintf(id, sizeof(id), "%06d", i);
        struct flow_run_row run = sample_run("nightly", id);
        enum run_state ended;
        if (!flow_run_insert(db, &run, 100, error) ||
            !flow_run_conclude(db, &run, RUN_SUCCEEDS, &ended, error))
            return false;
    }
    return true;
}

static void the_oldest_runs_are_removed(void **state)
{
    struct fixture *f = *state;
    struct flow_run_row *rows;
    size_t count;
    make_flow(f, "nightly");
    check(f, store_apply(f->store, apply_many, NULL, false, &f->error));
    check(f, flow_run_list(f->reader, &f->arena, key_of("nightly"), STR_NULL, 2000, &rows, &count,
                           &f->error));
    assert_int_equal(count, FLOW_RUNS_KEPT_MAX);
    assert_true(str_eq(rows[count - 1].id, STR("000001")));
}

static bool apply_busy(struct db *db, void *argument, struct error *error)
{
    char name[32];
    (void)argument;
    for (int i = 0; i < FLOW_RUNS_ACTIVE_MAX; i++) {
        snprintf(name, sizeof(name), "flow-%d", i);
        const struct job_row job = {
            .key = {FLOW_RUN_JOB, STR("123456789012"), STR("eu-central-1"), str_from(name)},
            .payload = STR(""),
        };
        if (!job_insert(db, &job, STR(""), error))
            return false;
    }
    return true;
}

static void an_account_has_a_quota_of_runs(void **state)
{
    struct fixture *f = *state;
    make_flow(f, "nightly");
    check(f, store_apply(f->store, apply_busy, NULL, false, &f->error));
    assert_false(begin(f, "nightly", "01"));
    assert_error(f, ERR_QUOTA, "The account may have at most 1000 runs of flows at a time.");
    check(f, store_apply(f->store, apply_drop, "flow-7", false, &f->error));
    check(f, begin(f, "nightly", "01"));
}

struct removal {
    const char *flow;
    bool force;
};

static bool apply_remove(struct db *db, void *argument, struct error *error)
{
    const struct removal *removal = argument;
    struct flow_key flow = key_of(removal->flow);
    return (removal->force || flow_runs_check_ended(db, flow, error)) &&
           flow_row_delete(db, flow, removal->force, error) && flow_runs_delete(db, flow, error);
}

static bool remove_flow(struct fixture *f, const char *flow, bool force)
{
    struct removal removal = {flow, force};
    return store_apply(f->store, apply_remove, &removal, false, &f->error);
}

static void runs_go_with_their_flow(void **state)
{
    struct fixture *f = *state;
    make_flow(f, "nightly");
    check(f, begin(f, "nightly", "01"));
    assert_false(remove_flow(f, "nightly", false));
    assert_error(f, ERR_CONFLICT,
                 "Conflict executing request: Flow has a run in progress, please set forceDelete "
                 "to true or cancel the run: nightly");
    check(f, remove_flow(f, "nightly", true));
    assert_null(found(f, "nightly", "01").id.data);
    assert_int_equal(count_jobs(f), 0);
    make_flow(f, "nightly");
    check(f, begin(f, "nightly", "02"));
    end_run(f, "nightly", "02", RUN_SUCCEEDS);
    check(f, remove_flow(f, "nightly", false));
    assert_null(found(f, "nightly", "02").id.data);
}

static void a_definition_that_was_changed_is_refused(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = secret_new(STR("a service secret of 32 bytes. .."));
    struct flow_run_row row = sample_run("nightly", "01"), other;
    flow_run_seal(secret, &row, &f->arena);
    check(f, flow_run_check_seal(secret, &row, &f->error));
    other = row;
    other.definition = STR("{\"tasks\":[2]}");
    assert_false(flow_run_check_seal(secret, &other, &f->error));
    assert_error(f, ERR_INTERNAL,
                 "What is stored of run 01 of flow nightly was not written by this server.");
    other = row;
    other.id = STR("02");
    assert_false(flow_run_check_seal(secret, &other, &f->error));
    other = row;
    other.flow.name = STR("weekly");
    assert_false(flow_run_check_seal(secret, &other, &f->error));
    other = row;
    other.window_to_ms = 1000; /* of no schedule's run */
    assert_false(flow_run_check_seal(secret, &other, &f->error));
    secret_free(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_leads_where_the_table_says),
        cmocka_unit_test(nothing_leads_out_of_a_last_state),
        cmocka_unit_test(names_are_the_api_s),
        cmocka_unit_test(an_id_is_a_uuid_that_begins_with_its_time),
        cmocka_unit_test(ids_grow),
        test_with_store(a_run_begins_with_its_job_and_ends_without_its_definition),
        test_with_store(a_flow_has_one_run_at_a_time),
        test_with_store(a_run_is_canceled_while_it_is_in_progress),
        test_with_store(a_run_that_lost_its_job_gets_one_to_end),
        test_with_store(pages_are_from_the_newest),
        test_with_store(the_oldest_runs_are_removed),
        test_with_store(an_account_has_a_quota_of_runs),
        test_with_store(runs_go_with_their_flow),
        test_with_store(a_definition_that_was_changed_is_refused),
    };
    return cmocka_run_group_tests_name("flow-runs", tests, NULL, NULL);
}
