/* The flow_schedules table, and the jobs of its rows. */
#include "store/flow_schedules.h"

#include "base/int64.h"
#include "store/core/internal.h"
#include "store/flow_runs.h"

static void bind_flow(struct stmt *stmt, struct flow_key flow)
{
    stmt_text(stmt, 1, flow.account);
    stmt_text(stmt, 2, flow.region);
    stmt_text(stmt, 3, flow.name);
}

static struct job_key job_of(struct flow_key flow)
{
    return (struct job_key){FLOW_SCHEDULE_JOB, flow.account, flow.region, flow.name};
}

bool flow_schedule_find(struct store_reader *reader, struct arena *arena, struct flow_key flow,
                        struct flow_schedule_row *ret_row, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_FIND);
    bind_flow(&stmt, flow);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    *ret_row = (struct flow_schedule_row){.flow = flow};
    if (!*ret_found)
        return true;
    ret_row->anchor_ms = column_i64(&stmt, 0);
    ret_row->done_until_ms = column_i64(&stmt, 1);
    ret_row->pulled_from_ms = column_i64(&stmt, 2);
    ret_row->pulled_to_ms = column_i64(&stmt, 3);
    ret_row->failures = column_i64(&stmt, 4);
    ret_row->message = column_text(&stmt, 5, arena);
    return true;
}

/* --- the job --- */

static struct job_row due_job(struct flow_key flow, int64_t now_ms)
{
    return (struct job_row){
        .key = job_of(flow),
        .due_at_ms = now_ms,
        .fence = job_new_fence(),
        .payload = STR(""),
    };
}

static bool make_due(struct db *db, struct flow_key flow, int64_t now_ms, struct error *error)
{
    const struct job_row job = due_job(flow, now_ms);
    return job_insert(db, &job, STR(""), error);
}

bool flow_schedule_keep(struct db *db, struct flow_key flow, int64_t now_ms, struct error *error)
{
    const struct job_row job = due_job(flow, now_ms);
    return job_insert_new(db, &job, error);
}

/* Three parameters from the number `first` on: the present time, how many runs tell all that there
 * were, and where a window begins that nothing tells of. */
static void bind_set_back(struct stmt *stmt, int first, int64_t now_ms)
{
    int64_t month_ms = now_ms - FLOW_SCHEDULE_AGAIN_MAX_MS, second_ms = 1000;
    stmt_i64(stmt, first, now_ms);
    stmt_i64(stmt, first + 1, FLOW_RUNS_KEPT_MAX - 1);
    stmt_i64(stmt, first + 2, month_ms > second_ms ? month_ms - month_ms % second_ms : second_ms);
}

bool flow_schedule_set_back(struct db *db, struct flow_key flow, int64_t now_ms,
                            struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_SET_BACK);
    bind_flow(&stmt, flow);
    bind_set_back(&stmt, 4, now_ms);
    return stmt_run(&stmt, error);
}

static bool begin_at(struct db *db, struct flow_key flow, int64_t now_ms, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_ACTIVATE);
    bind_flow(&stmt, flow);
    stmt_i64(&stmt, 4, now_ms);
    stmt_i64(&stmt, 5, now_ms - 1);
    return stmt_run(&stmt, error);
}

bool flow_schedule_activate(struct db *db, struct flow_key flow, int64_t now_ms,
                            struct error *error)
{
    return flow_schedule_set_back(db, flow, now_ms, error) && begin_at(db, flow, now_ms, error) &&
           make_due(db, flow, now_ms, error);
}

bool flow_schedule_adopt(struct db *db, struct flow_key flow, int64_t anchor_ms, int64_t now_ms,
                         struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_ADOPT);
    bind_flow(&stmt, flow);
    stmt_i64(&stmt, 4, anchor_ms);
    stmt_i64(&stmt, 5, now_ms);
    return stmt_run(&stmt, error);
}

static bool pass_slots(struct db *db, struct flow_key flow, int64_t now_ms, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_PASS);
    bind_flow(&stmt, flow);
    stmt_i64(&stmt, 4, now_ms);
    return stmt_run(&stmt, error);
}

static bool forget_failures(struct db *db, struct flow_key flow, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_SUCCEEDED);
    bind_flow(&stmt, flow);
    return stmt_run(&stmt, error);
}

bool flow_schedule_changed(struct db *db, struct flow_key flow, bool slots_changed, int64_t now_ms,
                           struct error *error)
{
    return (!slots_changed || (flow_schedule_set_back(db, flow, now_ms, error) &&
                               pass_slots(db, flow, now_ms, error))) &&
           forget_failures(db, flow, error) && make_due(db, flow, now_ms, error);
}

bool flow_schedule_deactivate(struct db *db, struct flow_key flow, struct str message,
                              struct error *error)
{
    const struct job_key job = job_of(flow);
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_SET_MESSAGE);
    bind_flow(&stmt, flow);
    stmt_text(&stmt, 4, message);
    return stmt_run(&stmt, error) && job_drop(db, &job, error);
}

bool flow_schedule_delete(struct db *db, struct flow_key flow, struct error *error)
{
    const struct job_key job = job_of(flow);
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_DELETE);
    bind_flow(&stmt, flow);
    return stmt_run(&stmt, error) && job_drop(db, &job, error);
}

/* --- runs --- */

bool flow_schedule_done(struct db *db, const struct flow_schedule_row *row, int64_t done_until_ms,
                        struct error *error)
{
    bool changed;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_DONE);
    bind_flow(&stmt, row->flow);
    stmt_i64(&stmt, 4, done_until_ms);
    stmt_i64(&stmt, 5, row->done_until_ms);
    if (!stmt_change(&stmt, &changed, error))
        return false;
    return changed || fail(error, ERR_LOST_RACE, "The schedule of flow %.*s was changed.",
                           STR_ARG(row->flow.name));
}

bool flow_schedule_begin_window(struct db *db, struct flow_key flow, int64_t from_ms,
                                struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULE_BEGIN_WINDOW);
    bind_flow(&stmt, flow);
    stmt_i64(&stmt, 4, from_ms);
    return stmt_run(&stmt, error);
}

bool flow_schedule_note_end(struct db *db, struct flow_key flow,
                            const struct flow_schedule_end *end, struct error *error)
{
    bool has_pulled = end->is_successful && end->window_to_ms > end->window_from_ms;
    _cleanup_stmt_ struct stmt stmt =
        stmt_open(db, has_pulled           ? SQL_FLOW_SCHEDULE_PULLED
                      : end->is_successful ? SQL_FLOW_SCHEDULE_SUCCEEDED
                                           : SQL_FLOW_SCHEDULE_FAILED);
    bind_flow(&stmt, flow);
    if (has_pulled) {
        stmt_i64(&stmt, 4, end->window_from_ms);
        stmt_i64(&stmt, 5, end->window_to_ms);
        stmt_i64(&stmt, 6, i64_max(end->window_from_ms, 1)); /* 0 in the row: there was none */
    }
    return stmt_run(&stmt, error);
}

bool flow_schedule_wake(struct db *db, struct flow_key flow, bool always, int64_t now_ms,
                        struct error *error)
{
    const struct job_key job = job_of(flow);
    _cleanup_stmt_ struct stmt stmt =
        stmt_open(db, always ? SQL_JOB_WAKE : SQL_JOB_WAKE_IF_PAYLOAD);
    stmt_text(&stmt, 1, job.kind);
    stmt_text(&stmt, 2, job.account);
    stmt_text(&stmt, 3, job.region);
    stmt_text(&stmt, 4, job.name);
    stmt_i64(&stmt, 5, now_ms);
    if (!always)
        stmt_text(&stmt, 6, FLOW_SCHEDULE_WAITS);
    return stmt_run(&stmt, error);
}

/* --- the clock --- */

bool flow_schedules_are_ahead(struct store_reader *reader, int64_t now_ms, bool *ret_found,
                              struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULES_AHEAD);
    stmt_i64(&stmt, 1, now_ms);
    return stmt_step(&stmt, ret_found, error);
}

static bool look_again(struct db *db, int64_t now_ms, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULES_LOOK);
    stmt_i64(&stmt, 1, now_ms);
    return stmt_run(&stmt, error);
}

static bool begin_earlier(struct db *db, int64_t now_ms, int64_t by_ms, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULES_BEGIN_EARLIER);
    stmt_i64(&stmt, 1, now_ms);
    stmt_i64(&stmt, 2, by_ms);
    return stmt_run(&stmt, error);
}

static bool take_first_again(struct db *db, int64_t now_ms, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULES_FIRST_AGAIN);
    stmt_i64(&stmt, 1, now_ms);
    return stmt_run(&stmt, error);
}

bool flow_schedules_begin_earlier(struct db *db, int64_t now_ms, int64_t past_ms,
                                  struct error *error)
{
    return begin_earlier(db, now_ms, past_ms, error) && take_first_again(db, now_ms, error);
}

static void bind_key(struct stmt *stmt, int first, struct flow_key key)
{
    stmt_text(stmt, first, key.account);
    stmt_text(stmt, first + 1, key.region);
    stmt_text(stmt, first + 2, key.name);
}

static bool find_range(struct db *db, struct flow_schedules_back *back, struct error *error)
{
    bool found;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULES_RANGE);
    stmt_i64(&stmt, 1, back->now_ms);
    bind_key(&stmt, 2, back->after);
    stmt_i64(&stmt, 5, FLOW_SCHEDULES_A_WRITE - 1);
    if (!stmt_step(&stmt, &found, error))
        return false;
    back->is_last = !found;
    back->until = back->after;
    if (found)
        back->until = (struct flow_key){
            column_text(&stmt, 0, back->arena),
            column_text(&stmt, 1, back->arena),
            column_text(&stmt, 2, back->arena),
        };
    return true;
}

static bool set_range_back(struct db *db, const struct flow_schedules_back *back,
                           struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SCHEDULES_SET_BACK);
    bind_set_back(&stmt, 1, back->now_ms);
    bind_key(&stmt, 4, back->after);
    bind_key(&stmt, 7, back->until);
    stmt_i64(&stmt, 10, back->is_last);
    return stmt_run(&stmt, error);
}

bool flow_schedules_set_back(struct db *db, struct flow_schedules_back *back, struct error *error)
{
    return find_range(db, back, error) && set_range_back(db, back, error) &&
           (!back->is_last || look_again(db, back->now_ms, error));
}
