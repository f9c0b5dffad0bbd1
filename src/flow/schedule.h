/* When a scheduled flow runs, and which time each run covers. All of it is a function of the
 * definition, of what was done already and of the present time: no clock, no store, so that each
 * node comes to the same result and a test can try years of it.
 *
 * A schedule is a sequence of times, its slots:
 *
 *     rate    the start, and then one a period; without a start from when it was activated
 *     cron    the minutes that fit, in UTC
 *     at      one
 *
 * within scheduleStartTime and scheduleEndTime, both included. Times are in UTC whatever `timezone`
 * says: it is a label and does not change what they mean (model, ScheduledTriggerProperties). So a
 * change to daylight saving time moves no slot, and skips or repeats none.
 *
 * All times are wall clock, in milliseconds since the epoch. */
#pragma once

#include "flow/schedule_expression.h"
#include "wire/value.h"

#include <stdint.h>

/* No slot lies outside of these; a start or an end that does is the nearer of the two. */
#define SCHEDULE_FIRST_MS 0LL
#define SCHEDULE_LAST_MS 7258118399000LL /* 2199-12-31T23:59:59Z */

enum {
    SCHEDULE_FIRST_PULL_DAYS = 30, /* of an incremental flow's first run (User Guide) */
    /* Slots that were done this far in the future are of a clock that was wrong, and has been set
     * back since: they are waited for no longer. */
    SCHEDULE_CLOCK_BACK_MS = 5 * 60 * 1000,
    /* By how much runs start later than their slots at most, so that flows of the same minute do
     * not all call their vendors at its first second: and at most a twentieth of the period. */
    SCHEDULE_JITTER_MAX_MS = 30 * 1000,
    SCHEDULE_JITTER_PART = 20,
};

struct flow_schedule {
    struct schedule_expression expression;
    int64_t start_ms; /* SCHEDULE_FIRST_MS when has_start is false */
    bool has_start;
    int64_t end_ms;        /* SCHEDULE_LAST_MS: none given */
    int64_t offset_ms;     /* scheduleOffset */
    bool is_incremental;   /* dataPullMode */
    int64_t first_from_ms; /* firstExecutionFrom; INT64_MIN: not given */
    int64_t failures_max;  /* flowErrorDeactivationThreshold; 0: not given */
};

/* From the API's TriggerConfig, with its shape or as JSON without one. False: the expression is
 * none, or there is no schedule. */
_must_use_ bool flow_schedule_read(const struct value *trigger_config,
                                   struct flow_schedule *ret_schedule);

/* Whether two have the same slots. */
bool flow_schedule_same_slots(const struct flow_schedule *a, const struct flow_schedule *b);

/* --- slots --- */

/* The first slot after `after_ms`, and the last one at `until_ms` or before. `anchor_ms`: when the
 * flow was activated. False: there is none. */
_must_use_ bool flow_schedule_next(const struct flow_schedule *schedule, int64_t anchor_ms,
                                   int64_t after_ms, int64_t *ret_ms);
_must_use_ bool flow_schedule_last(const struct flow_schedule *schedule, int64_t anchor_ms,
                                   int64_t until_ms, int64_t *ret_ms);

/* What was done of a schedule. */
struct flow_schedule_past {
    int64_t anchor_ms;     /* when it was activated */
    int64_t done_until_ms; /* slots up to here had their run, or are to have none */
};

struct flow_schedule_look {
    bool is_due;
    int64_t slot_ms; /* is_due: the slot of the run that is to start now. Of several that were
                      * missed it is the last one, whose run stands for all of them */
    bool has_next;
    int64_t next_ms;       /* has_next: the first slot behind now, or behind slot_ms */
    int64_t done_until_ms; /* once that run exists */
};
/* Whether slots were done so far ahead that the clock must have been set back since. */
bool flow_schedule_was_set_back(int64_t done_until_ms, int64_t now_ms);
void flow_schedule_look(const struct flow_schedule *schedule, const struct flow_schedule_past *past,
                        int64_t now_ms, struct flow_schedule_look *ret_look);

/* When the run of a slot is to start: later by a part of the period that is the same for all slots
 * of the flow. `hash`: of the flow, any number. The slot at the activation is not put off. */
int64_t flow_schedule_start_ms(const struct flow_schedule *schedule, int64_t anchor_ms,
                               int64_t slot_ms, uint64_t hash);

/* --- windows of incremental flows --- */

/* A run takes what changed from from_ms on, and before to_ms. Both are whole seconds, as the times
 * of many vendors and of S3 are: what changes within the second that ends a window is the next
 * one's. */
struct flow_window {
    int64_t from_ms;
    int64_t to_ms;
};

/* The window of a slot's run, as the User Guide ("Schedule-triggered flows") says: with the offset
 * t it ends at t before the slot. It begins where the one of the last successful run ended, so that
 * windows are contiguous and do not overlap, and a failed run's is taken again. The first one
 * begins with firstExecutionFrom, or 30 days before the slot. A window that would end before it
 * begins is empty, and takes no time away from the next one. `pulled_to_ms`: where the last
 * successful one ended, or the first one began; 0: there was none. */
struct flow_window flow_schedule_window(const struct flow_schedule *schedule, int64_t slot_ms,
                                        int64_t pulled_to_ms);
