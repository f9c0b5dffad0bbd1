/* Changes of one flow's schedule and its job, for the tests of what a store keeps of schedules. */
#pragma once

#include "store_fixture.h"

#include "store/flow_runs.h"
#include "store/flow_schedules.h"

static const struct flow_key nightly = {STR("123456789012"), STR("eu-central-1"), STR("nightly")};

struct change {
    bool (*apply)(struct db *db, const struct change *change, struct error *error);
    int64_t now_ms;
    bool flag;
    struct flow_schedule_row row;
    struct flow_schedule_end end;
    struct str message;
};

static inline bool apply_change(struct db *db, void *argument, struct error *error)
{
    const struct change *change = argument;
    return change->apply(db, change, error);
}

static inline bool try_change(struct fixture *f, struct change change)
{
    return store_apply(f->store, apply_change, &change, false, &f->error);
}

static inline bool activate(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_activate(db, nightly, change->now_ms, error);
}

static inline bool follow(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_changed(db, nightly, change->flag, change->now_ms, error);
}

static inline bool deactivate(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_deactivate(db, nightly, change->message, error);
}

static inline bool note_done(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_done(db, &change->row, change->now_ms, error);
}

static inline bool note_end(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_note_end(db, nightly, &change->end, error);
}

static inline bool put_job(struct db *db, const struct change *change, struct error *error)
{
    const struct job_row job = {
        .key = {FLOW_SCHEDULE_JOB, nightly.account, nightly.region, nightly.name},
        .due_at_ms = change->now_ms,
        .fence = job_new_fence(),
        .payload = change->message,
    };
    return job_insert(db, &job, STR(""), error);
}

static inline struct flow_schedule_row row_of(struct fixture *f)
{
    struct flow_schedule_row row;
    bool found = false;
    check(f, flow_schedule_find(f->reader, &f->arena, nightly, &row, &found, &f->error));
    assert_true(found);
    return row;
}

/* 0: there is none. */
static inline int64_t due_at(struct fixture *f)
{
    int64_t due_ms = 0;
    bool found = false;
    check(f, job_next_due(f->reader, FLOW_SCHEDULE_JOB, 0, &found, &due_ms, &f->error));
    return found ? due_ms : 0;
}
