/* Noticing steps, and moving the jobs' due times. */
#include "profile/token_clock.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/job_times.h"
#include "store/meta.h"
#include "store/token_states.h"

#include <stdio.h>
#include <stdlib.h>

#define STEP_BACK STR("token-clock-back") /* in meta: node, time and size of the last one */

enum {
    TEXT_SIZE = 64,
    TOGETHER_MS = 10 * 60 * 1000, /* in which nodes notice that their clocks were set together */
};

struct step {
    uint32_t node;
    int64_t now_ms;
    int64_t by_ms; /* forward; negative: back */
    bool follows;  /* due times were moved already, by another node */
};

static bool is_near(int64_t a, int64_t b, int64_t most)
{
    int64_t apart; /* what the database gives may be any number */
    return !__builtin_sub_overflow(a, b, &apart) && apart <= most && apart >= -most;
}

static bool is_of_another_node(const struct step *step, const char *last)
{
    char *end;
    unsigned long node = strtoul(last, &end, 10);
    long long at_ms = strtoll(end, &end, 10), by_ms = strtoll(end, &end, 10);
    return node != step->node && is_near(at_ms, step->now_ms, TOGETHER_MS) &&
           is_near(by_ms, step->by_ms, TOKEN_CLOCK_STEP_MS);
}

/* Of nodes that note a step at the same time one wins, and the others look again. */
static bool put_step(struct db *db, const struct step *step, struct str last, struct error *error)
{
    char text[TEXT_SIZE];
    bool put;
    snprintf(text, sizeof(text), "%u %lld %lld", step->node, (long long)step->now_ms,
             (long long)step->by_ms);
    if (last.data ? !meta_replace(db, STEP_BACK, last, str_from(text), &put, error)
                  : !meta_put_once(db, STEP_BACK, str_from(text), &put, error))
        return false;
    return put || fail(error, ERR_LOST_RACE, "Another node notes a step of its clock.");
}

static bool apply_back(struct db *db, void *argument, struct error *error)
{
    struct step *step = argument;
    struct arena arena = {0};
    struct str last;
    bool ok = meta_read(db, &arena, STEP_BACK, &last, error);
    step->follows = ok && last.data && is_of_another_node(step, arena_cstr(&arena, last));
    ok = ok && (step->follows ||
                (put_step(db, step, last, error) &&
                 job_times_back(db, TOKEN_KEEPER_JOB, step->now_ms, -step->by_ms, error)));
    arena_done(&arena);
    return ok;
}

static bool apply_forward(struct db *db, void *argument, struct error *error)
{
    const struct step *step = argument;
    int64_t spread_ms = step->by_ms < TOKEN_CLOCK_SPREAD_MS ? step->by_ms : TOKEN_CLOCK_SPREAD_MS;
    return job_times_spread(db, TOKEN_KEEPER_JOB, step->now_ms - step->by_ms, step->now_ms,
                            spread_ms, error);
}

/* The other nodes of a shared store have clocks of their own. By them a job is due in time whatever
 * this node's clock does, and it would be late if this node put it off. */
static bool leaves_due_times(const struct store *store, const struct step *step)
{
    return step->by_ms > 0 && store_is_remote(store);
}

static bool take(struct store *store, struct step *step)
{
    struct error ignored;
    bool is_left = leaves_due_times(store, step);
    if (!is_left &&
        !store_apply(store, step->by_ms < 0 ? apply_back : apply_forward, step, false, &ignored))
        return false;
    log_warn("The clock was set %s by %lld s: %s.", step->by_ms < 0 ? "back" : "forward",
             (long long)(step->by_ms < 0 ? -step->by_ms : step->by_ms) / 1000,
             is_left         ? "due times of token renewals stay, as other nodes go by them"
             : step->follows ? "due times of token renewals were moved by another node"
                             : "due times of token renewals follow it");
    return true;
}

bool token_clock_note(struct token_clock *clock, struct store *store, int64_t wall_ms,
                      int64_t mono_ms)
{
    struct step step = {clock->node, wall_ms, wall_ms - mono_ms - clock->offset_ms, false};
    bool is_step = step.by_ms >= TOKEN_CLOCK_STEP_MS || step.by_ms <= -TOKEN_CLOCK_STEP_MS;
    if (clock->known && is_step && !take(store, &step))
        return false;
    uint32_t node = clock->known ? clock->node : random_u32();
    *clock = (struct token_clock){true, node, wall_ms - mono_ms};
    return true;
}

void token_clock_look(void *context)
{
    static struct token_clock clock; /* of the one scheduler's thread */
    const struct profile_context *profiles = context;
    ignore_failure(/* the next look tries again */
                   token_clock_note(&clock, profiles->store, clock_wall_ms(), clock_mono_ms()));
}
