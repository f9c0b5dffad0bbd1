/* The gauges of states: counted by the keeper's scheduler, so that no reader of metrics waits for
 * the database. */
#include "profile/token_ahead.h"
#include "profile/token_keeper.h"

#include "base/clock.h"
#include "profile/grant_escrow.h"

#define NAME "headgate_token_states"
#define HELP "Profiles whose OAuth tokens the server can renew, by state."
#define STATE(word)                                                                                \
    {                                                                                              \
        {                                                                                          \
            "state", 1, (const char *const[]){word}, NULL                                          \
        }                                                                                          \
    }

const struct metric metric_tokens_fresh = {NAME, HELP, METRIC_GAUGE, STATE("fresh"),
                                           METRIC_SERIES(1)};
const struct metric metric_tokens_due = {NAME, HELP, METRIC_GAUGE, STATE("due"), METRIC_SERIES(1)};
const struct metric metric_tokens_refreshing = {NAME, HELP, METRIC_GAUGE, STATE("refreshing"),
                                                METRIC_SERIES(1)};
const struct metric metric_tokens_backing_off = {NAME, HELP, METRIC_GAUGE, STATE("backing-off"),
                                                 METRIC_SERIES(1)};
const struct metric metric_tokens_dead = {NAME, HELP, METRIC_GAUGE, STATE("needs-reauthorization"),
                                          METRIC_SERIES(1)};

static bool count(struct store *store, int64_t ret_counts[TOKEN_STATES])
{
    struct store_reader *reader;
    struct error ignored;
    if (!store_reader_take(store, &reader, &ignored))
        return false;
    bool ok = token_state_count(reader, clock_wall_ms(), ret_counts, &ignored);
    store_reader_put(store, reader);
    return ok;
}

static void count_states(void *context)
{
    static int64_t next_ms; /* of the one scheduler's thread */
    const struct profile_context *profiles = context;
    int64_t counts[TOKEN_STATES];
    if (clock_mono_ms() < next_ms || !count(profiles->store, counts))
        return;
    next_ms = clock_mono_ms() + TOKEN_KEEPER_COUNT_MS;
    metrics_set(&metric_tokens_fresh, counts[TOKEN_FRESH]);
    metrics_set(&metric_tokens_due, counts[TOKEN_DUE]);
    metrics_set(&metric_tokens_refreshing, counts[TOKEN_REFRESHING]);
    metrics_set(&metric_tokens_backing_off, counts[TOKEN_BACKING_OFF]);
    metrics_set(&metric_tokens_dead, counts[TOKEN_NEEDS_REAUTHORIZATION]);
}

void token_keeper_looked(void *context)
{
    grant_escrow_look(context);
    token_replan_look(context);
    token_ahead_look(context);
    count_states(context);
}
