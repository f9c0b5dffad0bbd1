/* Noticing steps, and heeding them once. */
#include "job/clock_step.h"

#include "base/log.h"
#include "base/random.h"
#include "store/meta.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TEXT_SIZE = 64,
    TOGETHER_MS = 10 * 60 * 1000, /* in which nodes notice that their clocks were set together */
};

struct heeding {
    const struct clock_step_rules *rules;
    bool is_shared; /* other nodes use the store */
    struct clock_step step;
};

static bool is_near(int64_t a, int64_t b, int64_t most)
{
    int64_t apart; /* what the database gives may be any number */
    return !__builtin_sub_overflow(a, b, &apart) && apart <= most && apart >= -most;
}

static bool is_of_another_node(const struct heeding *heeding, const char *last)
{
    char *end;
    const struct clock_step *step = &heeding->step;
    unsigned long node = strtoul(last, &end, 10);
    long long at_ms = strtoll(end, &end, 10), by_ms = strtoll(end, &end, 10);
    return node != step->node && is_near(at_ms, step->now_ms, TOGETHER_MS) &&
           is_near(by_ms, step->by_ms, heeding->rules->least_ms);
}

/* Nodes may note a step at the same time: one of them writes it, and the rest look again. */
static bool put_step(struct db *db, const struct heeding *heeding, struct str last,
                     struct error *error)
{
    char text[TEXT_SIZE];
    bool put;
    const struct clock_step *step = &heeding->step;
    struct str mark = heeding->rules->mark;
    snprintf(text, sizeof(text), "%u %lld %lld", step->node, (long long)step->now_ms,
             (long long)step->by_ms);
    if (last.data ? !meta_replace(db, mark, last, str_from(text), &put, error)
                  : !meta_put_once(db, mark, str_from(text), &put, error))
        return false;
    return put || fail(error, ERR_LOST_RACE, "Another node notes a step of its clock.");
}

static bool apply_back(struct db *db, void *argument, struct error *error)
{
    struct heeding *heeding = argument;
    struct clock_step *step = &heeding->step;
    struct arena arena = {0};
    struct str last;
    bool ok = meta_read(db, &arena, heeding->rules->mark, &last, error);
    step->follows = ok && heeding->is_shared && last.data &&
                    is_of_another_node(heeding, arena_cstr(&arena, last));
    ok = ok && (step->follows || put_step(db, heeding, last, error)) &&
         heeding->rules->back(db, step, error);
    arena_done(&arena);
    return ok;
}

static bool apply_forward(struct db *db, void *argument, struct error *error)
{
    const struct heeding *heeding = argument;
    return heeding->rules->forward(db, &heeding->step, error);
}

static void log_step(const struct heeding *heeding, bool is_left)
{
    const struct clock_step_rules *rules = heeding->rules;
    const struct clock_step *step = &heeding->step;
    bool is_back = step->by_ms < 0, is_database = rules->by_store_clock && heeding->is_shared;
    log_warn(
        "%s was set %s by %lld s%s: %s %s%s.", is_database ? "The database's clock" : "The clock",
        is_back ? "back" : "forward", (long long)(is_back ? -step->by_ms : step->by_ms) / 1000,
        is_back ? "" : ", or the machine slept for that time", rules->what,
        is_left ? rules->left : "follow it", step->follows ? ", as another node has noted" : "");
}

static bool heed(struct store *store, struct heeding *heeding)
{
    struct error ignored;
    const struct clock_step *step = &heeding->step;
    bool is_back = step->by_ms < 0;
    bool is_left = !is_back && (!heeding->rules->forward || heeding->is_shared);
    if (!is_left &&
        !store_apply(store, is_back ? apply_back : apply_forward, heeding, false, &ignored))
        return false;
    log_step(heeding, is_left);
    return true;
}

bool clock_steps_note(struct clock_steps *steps, const struct clock_step_rules *rules,
                      struct store *store, int64_t wall_ms, int64_t mono_ms, bool *ret_back)
{
    struct heeding heeding = {
        .rules = rules,
        .is_shared = store_is_remote(store),
        .step = {steps->node, wall_ms, wall_ms - mono_ms - steps->offset_ms, false},
    };
    int64_t by_ms = heeding.step.by_ms;
    bool is_step = by_ms >= rules->least_ms || by_ms <= -rules->least_ms;
    if (ret_back)
        *ret_back = steps->known && is_step && by_ms < 0;
    if (steps->known && is_step && !heed(store, &heeding))
        return false;
    uint32_t node = steps->known ? steps->node : random_u32();
    *steps = (struct clock_steps){true, node, wall_ms - mono_ms};
    return true;
}
