/* Profiles that are unreadable count as ended: nothing works with them. */
#include "profile/forecast_watch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timed.h"
#include "profile/context.h"
#include "profile/forecast_alerts.h"
#include "profile/forecast_walk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* --- metrics: gauges of one series each, as metrics_set has it --- */

enum { HORIZONS = 4 };

static const struct {
    int64_t within_ms;
} horizons[HORIZONS] = {
    {0}, {1000LL * LIFE_DAY_S}, {7 * 1000LL * LIFE_DAY_S}, {30 * 1000LL * LIFE_DAY_S}};

#define ENDING(row, horizon)                                                                       \
    static const char *const row##_name[] = {horizon};                                             \
    static const struct metric row = {                                                             \
        "headgate_profiles_ending",                                                                \
        "Connector profiles whose credentials end within this time, or have ended.",               \
        .kind = METRIC_GAUGE, .labels = {{"within", 1, row##_name, NULL}}, METRIC_SERIES(1)}

ENDING(ending_now, "0d");
ENDING(ending_1d, "1d");
ENDING(ending_7d, "7d");
ENDING(ending_30d, "30d");

#define EARLIEST(row, kind_name)                                                                   \
    static const char *const row##_name[] = {kind_name};                                           \
    static const struct metric row = {                                                             \
        "headgate_profile_earliest_end_seconds",                                                   \
        "Seconds until the earliest end of credentials, by the kind that ends; at least 1.",       \
        .kind = METRIC_GAUGE, .labels = {{"credential", 1, row##_name, NULL}}, METRIC_SERIES(1)}

EARLIEST(earliest_refresh, "refresh token");
EARLIEST(earliest_client, "client secret");
EARLIEST(earliest_password, "password");
EARLIEST(earliest_key, "key");
EARLIEST(earliest_role, "role");
EARLIEST(earliest_access, "access token");

static const struct metric *const ending[HORIZONS] = {&ending_now, &ending_1d, &ending_7d,
                                                      &ending_30d};
static const struct metric *const earliest[CREDENTIAL_KINDS] = {
    [CREDENTIAL_REFRESH_TOKEN] = &earliest_refresh,
    [CREDENTIAL_CLIENT] = &earliest_client,
    [CREDENTIAL_PASSWORD] = &earliest_password,
    [CREDENTIAL_KEY] = &earliest_key,
    [CREDENTIAL_ROLE] = &earliest_role,
    [CREDENTIAL_ACCESS_TOKEN] = &earliest_access,
};

const struct metric *const forecast_metrics[] = {
    &ending_now,      &ending_1d,         &ending_7d,    &ending_30d,    &earliest_refresh,
    &earliest_client, &earliest_password, &earliest_key, &earliest_role, &earliest_access,
};

_Static_assert(sizeof(forecast_metrics) / sizeof(void *) == FORECAST_METRICS, "all");

/* --- a pass --- */

struct forecast_watch {
    const struct profile_context *context;
    struct pool *workers;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    atomic_bool stopping;
};

struct forecast_pass {
    struct forecast_watch *watch;
    int64_t now_ms;
    struct forecast_alerts *alerts;
    int64_t ending[HORIZONS];
    int64_t earliest_ms[CREDENTIAL_KINDS]; /* 0: none */
};

/* Credentials that live for 30 days would always end within 30 days: one is counted in the second
 * half of its life alone. */
static void note_end(struct forecast_pass *pass, const struct profile_forecast *forecast)
{
    int64_t *kept = &pass->earliest_ms[forecast->first->kind];
    int64_t left_ms = forecast->works_until_ms - pass->now_ms;
    int64_t half_ms = forecast->first->life_ms / 2;
    for (size_t i = 0; i < HORIZONS; i++)
        pass->ending[i] += left_ms <= horizons[i].within_ms && (half_ms == 0 || left_ms <= half_ms);
    if (*kept == 0 || forecast->works_until_ms < *kept)
        *kept = forecast->works_until_ms;
}

static bool visit(void *context, const struct stored_credentials_row *row,
                  const struct profile_forecast *forecast)
{
    struct forecast_pass *pass = context;
    forecast_alerts_note(pass->alerts, &row->profile, forecast, pass->now_ms);
    if (forecast->state == FORECAST_UNREADABLE) {
        for (size_t i = 0; i < HORIZONS; i++)
            pass->ending[i]++;
    } else if (forecast->works_until_ms != 0) {
        note_end(pass, forecast);
    }
    return !atomic_load(&pass->watch->stopping);
}

static bool end_page(void *context)
{
    struct forecast_pass *pass = context;
    forecast_alerts_report(pass->alerts);
    return !atomic_load(&pass->watch->stopping);
}

static void set_metrics(const struct forecast_pass *pass)
{
    for (size_t i = 0; i < HORIZONS; i++)
        metrics_set(ending[i], pass->ending[i]);
    for (size_t i = 0; i < CREDENTIAL_KINDS; i++) {
        int64_t left_s = (pass->earliest_ms[i] - pass->now_ms) / 1000;
        metrics_set(earliest[i], pass->earliest_ms[i] == 0 ? 0 : left_s > 1 ? left_s : 1);
    }
}

/* A pass that was cut short, or could not read, leaves the metrics as they are. */
static void look(struct forecast_watch *watch)
{
    struct forecast_pass pass = {.watch = watch, .now_ms = clock_wall_ms()};
    const struct forecast_walk walk = {
        .visit = visit, .page_end = end_page, .context = &pass, .workers = watch->workers};
    struct error error = {0};
    pass.alerts = forecast_alerts_new(watch->context);
    if (!forecast_walk(watch->context->store, watch->context->keyring, &walk, &error))
        log_warn("The ends of credentials could not be counted: %s", error.message);
    else if (!atomic_load(&watch->stopping))
        set_metrics(&pass);
    forecast_alerts_free(pass.alerts);
}

static void wait_until(struct forecast_watch *watch, int64_t until_ms)
{
    pthread_mutex_lock(&watch->mutex);
    while (!atomic_load(&watch->stopping) &&
           cond_wait_until(&watch->changed, &watch->mutex, until_ms))
        continue;
    pthread_mutex_unlock(&watch->mutex);
}

static void *run(void *argument)
{
    struct forecast_watch *watch = argument;
    pthread_setname_np(pthread_self(), "forecast");
    wait_until(watch, clock_mono_ms() + FORECAST_WATCH_FIRST_MS);
    while (!atomic_load(&watch->stopping)) {
        int64_t begun_ms = clock_mono_ms();
        look(watch);
        int64_t pause_ms = FORECAST_WATCH_SHARE * (clock_mono_ms() - begun_ms);
        wait_until(watch, begun_ms + (pause_ms > FORECAST_WATCH_MS ? pause_ms : FORECAST_WATCH_MS));
    }
    return NULL;
}

struct forecast_watch *forecast_watch_start(const struct profile_context *context,
                                            struct pool *workers)
{
    struct forecast_watch *watch = xcalloc(1, sizeof(*watch));
    watch->context = context;
    watch->workers = workers;
    pthread_mutex_init(&watch->mutex, NULL);
    cond_init_timed(&watch->changed);
    if (pthread_create(&watch->thread, NULL, run, watch) == 0)
        return watch;
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
    return NULL;
}

void forecast_watch_stop(struct forecast_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->mutex);
    atomic_store(&watch->stopping, true);
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}
