/* Counting what comes, lane by lane, and making the first of it due. */
#include "profile/token_ahead.h"

#include "base/clock.h"
#include "base/log.h"
#include "profile/token_lane.h"
#include "store/token_states.h"

const struct metric metric_token_backlog = {
    "headgate_token_backlog_seconds",
    "How long the renewals that are due take, of the token host and client that takes longest.",
    METRIC_GAUGE, METRIC_SERIES(1)};

enum { MINUTE_S = 60 };

int64_t token_ahead_of(const struct job_backlog *rows, size_t count, double rate)
{
    double work_s = 0;
    bool is_late = false;
    for (size_t i = 0; rate > 0 && i < count; i++) {
        int64_t due_s = rows[i].minute > 0 ? (rows[i].minute - 1) * MINUTE_S : 0;
        work_s += (double)rows[i].count / rate;
        is_late |= work_s > (double)(due_s + TOKEN_AHEAD_SLACK_S);
    }
    /* Enough to do until two looks later. */
    return is_late ? (int64_t)(rate * 2 * TOKEN_AHEAD_LOOK_MS / 1000) + 1 : 0;
}

static bool apply_hastening(struct db *db, void *argument, struct error *error)
{
    return job_hasten(db, argument, error);
}

/* The rows of one lane. What is due counts first: those to come fill up what it leaves free. */
static double look_at_lane(const struct profile_context *context, const struct job_backlog *rows,
                           size_t count, int64_t now_ms)
{
    struct str lane = rows[0].payload;
    double rate = token_lane_rate(context->token_lanes, lane);
    int64_t due = rows[0].minute == 0 ? rows[0].count : 0;
    int64_t wanted = token_ahead_of(rows, count, rate) - due;
    struct job_hastening hastening = {
        .kind = TOKEN_KEEPER_JOB,
        .payload = lane,
        .now_ms = now_ms,
        .until_ms = now_ms + TOKEN_AHEAD_HORIZON_MS,
        .count = wanted,
    };
    struct error ignored;
    if (wanted > 0 && token_lane_can_begin_early(lane))
        ignore_failure(/* the next look tries again */
                       store_apply(context->store, apply_hastening, &hastening, false, &ignored));
    return rate > 0 ? (double)due / rate : 0;
}

static bool count_backlog(const struct profile_context *context, struct arena *arena,
                          int64_t now_ms, struct job_backlog **ret_rows, size_t *ret_count)
{
    struct store_reader *reader;
    struct error ignored;
    if (!store_reader_take(context->store, &reader, &ignored))
        return false;
    bool ok =
        job_backlog_list(reader, arena, TOKEN_KEEPER_JOB, now_ms, now_ms + TOKEN_AHEAD_HORIZON_MS,
                         TOKEN_LANES_MAX, ret_rows, ret_count, &ignored);
    store_reader_put(context->store, reader);
    return ok;
}

/* The line that says it is written when it begins, and not again while it lasts. */
static void tell(double most_s)
{
    static bool told; /* of the one scheduler's thread */
    bool is_behind = most_s > 2 * TOKEN_AHEAD_SLACK_S;
    if (is_behind && !told)
        log_warn("The renewals of OAuth tokens that are due take %.0f seconds at the speed that a "
                 "vendor allows: access tokens may end before.",
                 most_s);
    told = is_behind;
    metrics_set(&metric_token_backlog, (int64_t)most_s);
}

void token_ahead_look(void *context)
{
    static int64_t next_ms; /* of the one scheduler's thread */
    int64_t now_ms = clock_wall_ms();
    struct arena arena = {0};
    struct job_backlog *rows;
    size_t count = 0;
    double most_s = 0;
    if (clock_mono_ms() < next_ms)
        return;
    next_ms = clock_mono_ms() + TOKEN_AHEAD_LOOK_MS;
    if (count_backlog(context, &arena, now_ms, &rows, &count)) {
        for (size_t i = 0, end; i < count; i = end) {
            for (end = i + 1; end < count && str_eq(rows[end].payload, rows[i].payload);)
                end++;
            double takes_s = look_at_lane(context, &rows[i], end - i, now_ms);
            most_s = takes_s > most_s ? takes_s : most_s;
        }
        tell(most_s);
    }
    arena_done(&arena);
}
