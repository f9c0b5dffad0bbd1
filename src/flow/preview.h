/* A preview: the first records of a flow's source as they come, and what the flow's tasks make of
 * each. It is a run of the engine (engine.h) without a job, a checkpoint and a destination, so what
 * it shows is what a run would do, up to the destination; nothing is stored or written. The vendor
 * is called with the profile's credentials and within its limits, as by a run.
 *
 * A source that works on a query by a job is waited for until the deadline; its job is ended.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "flow/engine_run.h"

enum {
    FLOW_PREVIEW_RECORDS_MAX = 100,
    FLOW_PREVIEW_JSON_MAX = 512 * 1024,  /* bytes of the answer: further records are left out */
    FLOW_PREVIEW_RECORD_MAX = 64 * 1024, /* of one record, before or after: of a longer one only
                                          * that is shown */
};

struct flow_preview {
    const struct flow_engine_config *config;
    struct flow_key flow;
    const struct value *definition; /* DescribeFlow's members, checked */
    size_t records_max;             /* FLOW_PREVIEW_RECORDS_MAX at most */
    int64_t deadline_ms;            /* on clock_mono_ms() */
    struct arena *arena;            /* of the answer; what is read counts as a run's memory */
};

/* Waits for the network; on a worker. The answer is JSON in the arena, docs/api.md has its members.
 * A run that would end with an error behind a record is an answer, too, with the error in it. False
 * when no record was read: as a run's error says, ERR_UNAVAILABLE at the deadline. */
_must_use_ bool flow_preview(const struct flow_preview *preview, struct str *ret_json,
                             struct error *error);
