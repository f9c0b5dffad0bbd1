/* Steps of the clock by which jobs are due. Due times are wall-clock times, since they outlive the
 * process, and the monotonic clock tells how much time has really passed: when both have moved
 * apart, the wall clock was set; or the machine slept, during which the monotonic clock may stand
 * still: that is a step forward as well. What a kind's due times, and its rows, make of that is the
 * kind's; here is what all kinds need: noticing a step, trying again while the store is away, and
 * heeding one that the nodes of a shared store all see only once. */
#pragma once

#include "store/core/store.h"

struct clock_step {
    uint32_t node;
    int64_t now_ms; /* after the step */
    int64_t by_ms;  /* forward; negative: back */
    bool follows;   /* back, and another node of a shared store has heeded it */
};

/* What a kind does about a step, inside a write (store_apply_fn). */
typedef bool clock_step_fn(struct db *db, const struct clock_step *step, struct error *error);

struct clock_step_rules {
    const char *what;       /* is moved; for the log: "due times of …" */
    const char *left;       /* what it does at a step forward that moves nothing; for the log */
    bool by_store_clock;    /* it goes by store_clock_ms; else by this machine's wall clock */
    struct str mark;        /* in meta: node, time and size of the last step back */
    int64_t least_ms;       /* a smaller step is not noticed */
    clock_step_fn *back;    /* by each node that sees the step; all but the first one follow */
    clock_step_fn *forward; /* NULL: nothing. Not on a shared store, whose other nodes have clocks
                             * of their own: by them a job is due in time whatever this clock does,
                             * and it would be late if this node put it off */
};

struct clock_steps {
    bool known;
    uint32_t node;     /* random; tells the steps of several nodes apart */
    int64_t offset_ms; /* of the wall clock from the monotonic one, when last looked at */
};

/* Looks at both clocks, and heeds a step. False: the store was away, and the step is met by the
 * next call. *ret_back: it was one back; NULL is fine. */
bool clock_steps_note(struct clock_steps *steps, const struct clock_step_rules *rules,
                      struct store *store, int64_t wall_ms, int64_t mono_ms, bool *ret_back);
