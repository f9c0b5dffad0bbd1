/* The rate is that between the first and the last sample: calls come in bursts, and what is wanted
 * is when the quota ends, and not how it is used meanwhile. */
#include "work/quota_history.h"

enum { HOUR_MS = 3600 * 1000 };

#define HORIZON_MS (30LL * 24 * HOUR_MS) /* a later end is none */

static void begin(struct quota_history *self)
{
    self->count = 0;
    self->apart_ms = QUOTA_APART_MS;
}

/* Every second one, beginning with the first. */
static void thin_out(struct quota_history *self)
{
    for (size_t i = 1; 2 * i < self->count; i++)
        self->samples[i] = self->samples[2 * i];
    self->count = (self->count + 1) / 2;
    self->apart_ms *= 2;
}

static void drop_old(struct quota_history *self, int64_t now_ms)
{
    size_t old = 0;
    while (old < self->count && now_ms - self->samples[old].at_ms > QUOTA_KEPT_MS)
        old++;
    for (size_t i = old; i < self->count; i++)
        self->samples[i - old] = self->samples[i];
    self->count -= old;
}

void quota_history_add(struct quota_history *self, int64_t left, int64_t renew_ms, int64_t now_ms)
{
    bool is_renewed = renew_ms > 0 && self->count > 0 && left > self->last.left;
    drop_old(self, now_ms);
    if (self->count == 0 || is_renewed)
        begin(self);
    self->last = (struct quota_sample){now_ms, left};
    self->renewed_at_ms = renew_ms > 0 ? now_ms + renew_ms : 0;
    if (self->count > 0 && now_ms - self->samples[self->count - 1].at_ms < self->apart_ms)
        return;
    if (self->count == QUOTA_SAMPLES_MAX)
        thin_out(self);
    self->samples[self->count++] = self->last;
}

bool quota_history_is_known(const struct quota_history *self, int64_t now_ms)
{
    return self->count > 0 && now_ms - self->last.at_ms <= QUOTA_KEPT_MS;
}

static int64_t end_of(const struct quota_forecast *forecast, int64_t now_ms)
{
    if (forecast->left <= 0)
        return forecast->as_of_ms;
    if (forecast->an_hour <= 0)
        return 0;
    double left_ms = (double)forecast->left / forecast->an_hour * HOUR_MS;
    if (left_ms > (double)HORIZON_MS)
        return 0;
    int64_t end_ms = forecast->as_of_ms + (int64_t)left_ms;
    bool is_renewed_before = forecast->renewed_at_ms != 0 && forecast->renewed_at_ms <= end_ms;
    return is_renewed_before ? 0 : end_ms > now_ms ? end_ms : now_ms;
}

struct quota_forecast quota_history_forecast(const struct quota_history *self, int64_t now_ms)
{
    struct quota_forecast forecast = {.an_hour = -1};
    if (!quota_history_is_known(self, now_ms))
        return forecast;
    const struct quota_sample *first = &self->samples[0];
    int64_t span_ms = self->last.at_ms - first->at_ms;
    bool is_over = self->renewed_at_ms != 0 && self->renewed_at_ms <= now_ms;
    forecast.left = self->last.left;
    forecast.as_of_ms = self->last.at_ms;
    forecast.renewed_at_ms = is_over ? 0 : self->renewed_at_ms;
    if (span_ms >= QUOTA_SPAN_MS)
        forecast.an_hour =
            (double)(first->left - self->last.left) / (double)span_ms * (double)HOUR_MS;
    if (forecast.an_hour < 0 && span_ms >= QUOTA_SPAN_MS)
        forecast.an_hour = 0;
    forecast.ends_at_ms = is_over ? 0 : end_of(&forecast, now_ms);
    return forecast;
}
