/* Schedule expressions: how often, or when, a scheduled flow runs. What is known of the real
 * service's language: "rate(5minutes)" with a plural unit and without a blank in the model's
 * documentation; a blank is accepted (cloudformation-coverage-roadmap issue 1214), and so is
 * "cron(…)" (cdk-appflow issue 129). Weeks, months and "at(…)" follow the model's frequencies;
 * seconds are an extension. */
#pragma once

#include "base/cleanup.h"
#include "base/str.h"
#include "flow/cron.h"

#include <stdbool.h>

enum schedule_kind {
    SCHEDULE_RATE, /* every so many seconds, or months of the calendar */
    SCHEDULE_CRON, /* six fields, as those of Amazon EventBridge */
    SCHEDULE_ONCE, /* at a time in UTC */
};

enum { SCHEDULE_COUNT_MAX = 100000 }; /* units of a rate */

struct schedule_expression {
    enum schedule_kind kind;
    int64_t period_ms; /* of a rate; a month counts as 30 days */
    int64_t months;    /* of a rate of months; else 0 */
    struct cron cron;
    int64_t once_ms; /* since 1970 */
};

/* False for what is none. */
_must_use_ bool schedule_expression_read(struct str text, struct schedule_expression *ret_schedule);
