/* Schedule expressions: how often, or when, a scheduled flow runs. What is known of the real
 * service's language: "rate(5minutes)" with a plural unit and without a blank in the model's
 * documentation; a blank is accepted (cloudformation-coverage-roadmap issue 1214), and so is
 * "cron(…)" (cdk-appflow issue 129). Weeks, months and "at(…)" follow the model's frequencies. */
#pragma once

#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>

enum schedule_kind {
    SCHEDULE_RATE, /* every so many minutes */
    SCHEDULE_CRON, /* six fields, as those of Amazon EventBridge */
    SCHEDULE_ONCE, /* at a time in UTC */
};

enum { SCHEDULE_COUNT_MAX = 100000 }; /* units of a rate */

struct schedule_expression {
    enum schedule_kind kind;
    long long minutes; /* of a rate; a month has 30 days */
};

/* False for what is none. */
_must_use_ bool schedule_expression_read(struct str text, struct schedule_expression *ret_schedule);
