/* What a vendor has said of a customer's quota over time, and what follows from it: how many calls
 * all clients use in an hour, and when none will be left at that rate.
 *
 * Samples are as far apart as fits: once there are QUOTA_SAMPLES_MAX, every second one is dropped,
 * and the next ones come half as often. A quota that is renewed begins a new history. Times are
 * those of clock_mono_ms(). Pure; not locked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QUOTA_SAMPLES_MAX = 32,
    QUOTA_APART_MS = 1000,            /* between samples, at first */
    QUOTA_SPAN_MS = 10 * 1000,        /* from the first to the last for a forecast */
    QUOTA_KEPT_MS = 24 * 3600 * 1000, /* older samples say nothing */
};

struct quota_sample {
    int64_t at_ms;
    int64_t left;
};

/* Zeroed at first. */
struct quota_history {
    struct quota_sample samples[QUOTA_SAMPLES_MAX];
    size_t count;
    struct quota_sample last; /* the newest answer, which need not be a sample */
    int64_t apart_ms;
    int64_t renewed_at_ms; /* as the vendor said last; 0: it does not say */
};

/* `left`: calls; `renew_ms`: until there are all of them again; 0 or less: the vendor does not say,
 * so that the number may rise and fall, as one of the last 24 hours does. */
void quota_history_add(struct quota_history *history, int64_t left, int64_t renew_ms,
                       int64_t now_ms);
/* Whether there is a sample that still says something. */
bool quota_history_is_known(const struct quota_history *history, int64_t now_ms);

struct quota_forecast {
    int64_t left;          /* as of `as_of_ms` */
    int64_t as_of_ms;      /* 0: nothing is known */
    int64_t renewed_at_ms; /* 0: not known */
    double an_hour;        /* calls used; negative: not known */
    int64_t ends_at_ms;    /* when none is left at that rate; 0: never, not before it is renewed, or
                            * not known */
};
struct quota_forecast quota_history_forecast(const struct quota_history *history, int64_t now_ms);
