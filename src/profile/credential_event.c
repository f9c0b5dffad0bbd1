/* Planning, writing and saying events. */
#include "profile/credential_event.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "job/job.h"
#include "store/credential_events.h"
#include "store/event_queue.h"
#include "wire/value.h"

enum { EVENT_VERSION = 1 }; /* of the JSON's members */

static const char *const kind_names[ALERT_KINDS] = {
    [ALERT_ENDING] = "credentials.ending",
    [ALERT_STATE] = "credentials.state",
};

static struct str kind_label(size_t kind)
{
    return kind_names[kind] ? str_from(kind_names[kind]) : STR_NULL;
}

const struct metric metric_credential_events = {
    "headgate_credential_events_total",
    "Events of profiles' credentials, by event.",
    .labels = {{"event", ALERT_KINDS, .name_of = kind_label}},
    METRIC_SERIES(ALERT_KINDS),
};

/* Of what does not open nothing is known. */
static const struct credential_forecast unreadable = {
    .because = "what is stored of the profile does not open; \"headgate check\" says why",
    .confidence = FORECAST_KNOWN,
};

static const struct credential_forecast without_credentials = {
    .because = "the profile has no credentials of which an end is known",
    .confidence = FORECAST_UNKNOWN,
};

static const struct credential_forecast *first_of(const struct credential_event_plan *plan)
{
    if (plan->forecast.first)
        return plan->forecast.first;
    return plan->forecast.state == FORECAST_UNREADABLE ? &unreadable : &without_credentials;
}

/* --- JSON --- */

static void put_time(struct arena *arena, struct value *event, const char *name, int64_t at_ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_text(at_ms, text);
    if (at_ms != 0)
        value_put_text(arena, event, name, arena_copy(arena, str_from(text)));
    else
        value_put_raw(arena, event, name, STR("null"));
}

static void put_credential(struct arena *arena, struct value *event,
                           const struct credential_event_plan *plan)
{
    const struct credential_forecast *first = first_of(plan);
    if (first == plan->forecast.first)
        value_put_text(arena, event, "credential", str_from(credential_kind_name(first->kind)));
    put_time(arena, event, "worksUntil", first->works_until_ms);
    value_put_text(arena, event, "because", str_from(first->because));
    value_put_text(arena, event, "confidence",
                   str_from(forecast_confidence_name(first->confidence)));
}

static struct str body_of(const struct credential_event_plan *plan, int64_t now_ms,
                          struct arena *arena)
{
    const struct profile *profile = &plan->profile;
    const struct credential_alert *alert = &plan->alert;
    struct value *event = value_structure(arena);
    struct buf json = buf_in(arena, CREDENTIAL_EVENT_MAX);
    char id[UUID_SIZE];
    random_uuid(id);
    value_put_integer(arena, event, "version", EVENT_VERSION);
    value_put_text(arena, event, "id", arena_copy(arena, str_from(id)));
    put_time(arena, event, "time", now_ms);
    value_put_text(arena, event, "account", profile->key.account);
    value_put_text(arena, event, "region", profile->key.region);
    value_put_text(arena, event, "profile", profile->key.name);
    value_put_text(arena, event, "connector", profile->connector_type);
    value_put_text(arena, event, "connectorLabel", profile->connector_label);
    value_put_text(arena, event, "event", str_from(kind_names[alert->kind]));
    value_put_text(arena, event, "state", alert->state);
    if (alert->kind == ALERT_STATE)
        value_put_text(arena, event, "previousState", alert->state_before);
    else
        value_put_integer(arena, event, "withinSeconds", alert->within_ms / 1000);
    put_credential(arena, event, plan);
    value_encode(&json, event);
    return buf_str(&json);
}

/* --- the plan --- */

/* Absent stays absent. */
static struct str copy(struct arena *arena, struct str text)
{
    return text.data ? arena_copy(arena, text) : STR_NULL;
}

static void keep_profile(struct arena *arena, const struct profile *from, struct profile *to)
{
    to->key = profile_key_copy(arena, from->key);
    to->connector_type = copy(arena, from->connector_type);
    to->connector_label = copy(arena, from->connector_label);
}

/* Only what ends first. */
static void keep_forecast(struct arena *arena, const struct profile_forecast *from,
                          struct credential_event_plan *to)
{
    to->forecast.state = from->state;
    if (!from->first)
        return;
    to->first = *from->first;
    to->first.because = arena_cstr(arena, str_from(from->first->because));
    to->forecast.first = &to->first;
}

static void keep_alert(struct arena *arena, const struct credential_alert *from,
                       struct credential_alert *to)
{
    *to = *from;
    to->before.state = copy(arena, from->before.state);
    to->after.state = copy(arena, from->after.state);
    to->state_before = copy(arena, from->state_before);
}

struct credential_event_plan *credential_event_plan(const struct profile_context *context,
                                                    const struct profile *profile,
                                                    const struct profile_forecast *forecast,
                                                    int64_t now_ms, struct arena *arena)
{
    struct credential_alert alert;
    credential_alert_decide(forecast, &profile->reported, now_ms, &alert);
    if (alert.kind == ALERT_NONE)
        return NULL;
    struct credential_event_plan *plan = arena_new(arena, struct credential_event_plan);
    *plan = (struct credential_event_plan){.reported = false};
    keep_profile(arena, profile, &plan->profile);
    keep_forecast(arena, forecast, plan);
    keep_alert(arena, &alert, &plan->alert);
    if (context->webhook)
        plan->body = body_of(plan, now_ms, arena);
    return plan;
}

static bool report(struct db *db, struct credential_event_plan *plan, struct error *error)
{
    const struct credential_alert *alert = &plan->alert;
    struct profile_key key = plan->profile.key;
    if (plan->decides && alert->kind == ALERT_STATE)
        return profile_report_state(db, key, alert->state, alert_state(FORECAST_FRESH),
                                    &plan->reported, error);
    return profile_report(db, key, &alert->before, &alert->after, &plan->reported, error);
}

bool credential_event_apply(struct db *db, struct credential_event_plan *plan, struct error *error)
{
    const struct profile_key *key = &plan->profile.key;
    struct event_key subject = {key->account, key->region, key->name};
    return report(db, plan, error) &&
           (!plan->reported || !plan->body.data || event_queue_add(db, subject, plan->body, error));
}

/* --- after the write --- */

static void log_ending(const struct credential_event_plan *plan)
{
    const struct profile_key *key = &plan->profile.key;
    const struct credential_forecast *first = first_of(plan);
    char until[CLOCK_TEXT_SIZE];
    clock_text(first->works_until_ms, until);
    log_warn("The credentials of profile %.*s (account %.*s, %.*s) work until %s: %s, %s (%s).",
             STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region), until,
             credential_kind_name(first->kind), first->because,
             forecast_confidence_name(first->confidence));
}

static void log_state(const struct credential_event_plan *plan)
{
    const struct profile_key *key = &plan->profile.key;
    struct str now = plan->alert.state, before = plan->alert.state_before;
    if (str_eq(now, alert_state(FORECAST_FRESH)))
        log_info("The credentials of profile %.*s (account %.*s, %.*s) are %.*s again; they were "
                 "%.*s.",
                 STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region), STR_ARG(now),
                 STR_ARG(before));
    else
        log_warn("The credentials of profile %.*s (account %.*s, %.*s): %.*s; they were %.*s. %s.",
                 STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region), STR_ARG(now),
                 STR_ARG(before), first_of(plan)->because);
}

void credential_event_say(const struct profile_context *context,
                          const struct credential_event_plan *plan, bool log)
{
    if (!plan || !plan->reported)
        return;
    metrics_count(&metric_credential_events, plan->alert.kind, 0);
    if (log && plan->alert.kind == ALERT_ENDING)
        log_ending(plan);
    else if (log)
        log_state(plan);
    if (context->webhook)
        job_runner_look(context->webhook);
}
