/* What there is to report of credentials, once for each end, state and profile: thresholds, and
 * what a store keeps of it (profile/credential_alert.h, profile/forecast_alerts.h). */
#include "store_fixture.h"

#include "auth/webhook_signature.h"
#include "base/clock.h"
#include "base/encode.h"
#include "job/job.h"
#include "profile/forecast_alerts.h"
#include "profile/webhook.h"
#include "store/credential_events.h"
#include "store/event_queue.h"
#include "store/stored_credentials.h"
#include "vault/crypto.h"
#include "wire/restjson.h"

#include <sys/stat.h>

#define HOUR (3600 * 1000LL)
#define DAY (24 * HOUR)
#define NOW 1700000000000LL

static struct credential_forecast refresh = {
    .kind = CREDENTIAL_REFRESH_TOKEN,
    .because = "the refresh token ends",
    .confidence = FORECAST_DOCUMENTED,
};

static struct profile_forecast forecast_of(enum forecast_state state, int64_t end_ms,
                                           int64_t life_ms)
{
    refresh.works_until_ms = end_ms;
    refresh.life_ms = life_ms;
    return (struct profile_forecast){.state = state, .first = &refresh, .works_until_ms = end_ms};
}

/* --- thresholds --- */

static void thresholds_follow_the_length_of_the_life(void **state)
{
    (void)state;
    static const struct {
        int64_t life_ms, thresholds_ms[ALERT_LEVELS];
    } rows[] = {
        {0, {30 * DAY, 7 * DAY, DAY}},        {180 * DAY, {30 * DAY, 7 * DAY, DAY}},
        {70 * DAY, {30 * DAY, 7 * DAY, DAY}}, {49 * DAY, {21 * DAY, 7 * DAY, DAY}},
        {28 * DAY, {12 * DAY, 4 * DAY, DAY}}, {7 * DAY, {3 * DAY, DAY, 6 * HOUR}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (int level = 1; level <= ALERT_LEVELS; level++)
            assert_int_equal(alert_threshold_ms(level, rows[i].life_ms),
                             rows[i].thresholds_ms[level - 1]);
    }
}

static struct credential_alert decide(struct profile_reported *reported, enum forecast_state state,
                                      int64_t left_ms, int64_t life_ms)
{
    struct profile_forecast forecast = forecast_of(state, NOW + left_ms, life_ms);
    struct credential_alert alert;
    credential_alert_decide(&forecast, reported, NOW, &alert);
    *reported = alert.after;
    return alert;
}

/* The same end comes nearer, as time goes by: what matters is the distance to it. */
static void each_threshold_is_reported_once(void **state)
{
    (void)state;
    static const struct {
        int64_t now_ms; /* after NOW; the end is at NOW + 100 days */
        int64_t within_ms;
    } rows[] = {
        {0, 0},
        {69 * DAY, 0},
        {70 * DAY, 30 * DAY},
        {71 * DAY, 0},
        {99 * DAY + HOUR, DAY}, /* seven days were missed: the most urgent alone */
        {99 * DAY + 2 * HOUR, 0},
        {101 * DAY, 0},
    };
    struct profile_reported reported = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct profile_forecast forecast = forecast_of(FORECAST_FRESH, NOW + 100 * DAY, 100 * DAY);
        struct credential_alert alert;
        credential_alert_decide(&forecast, &reported, NOW + rows[i].now_ms, &alert);
        assert_int_equal(alert.kind, rows[i].within_ms ? ALERT_ENDING : ALERT_NONE);
        assert_int_equal(alert.within_ms, rows[i].within_ms);
        reported = alert.after;
    }
}

static void an_end_that_moves_on_begins_anew(void **state)
{
    (void)state;
    struct profile_reported reported = {0};
    assert_int_equal(decide(&reported, FORECAST_FRESH, 5 * DAY, 0).within_ms, 7 * DAY);
    assert_int_equal(decide(&reported, FORECAST_FRESH, 5 * DAY + HOUR, 0).kind, ALERT_NONE);
    assert_int_equal(decide(&reported, FORECAST_FRESH, 60 * DAY, 0).kind, ALERT_NONE);
    assert_int_equal(decide(&reported, FORECAST_FRESH, 29 * DAY, 0).within_ms, 30 * DAY);
    assert_int_equal(decide(&reported, FORECAST_FRESH, 0, 0).within_ms, DAY); /* an earlier end */
}

/* A session that is used each day ends two hours later each time it is asked about. */
static void an_end_that_use_moves_is_reported_once(void **state)
{
    (void)state;
    struct profile_reported reported = {0};
    int alerts = 0;
    for (int day = 0; day < 10; day++) {
        int64_t now_ms = NOW + day * DAY;
        struct profile_forecast forecast = forecast_of(FORECAST_FRESH, now_ms + 2 * HOUR, 0);
        struct credential_forecast session = *forecast.first;
        struct credential_alert alert;
        session.moves_with_use = true;
        session.obtained_ms = day < 9 ? NOW - HOUR : now_ms; /* the last day another one */
        forecast.first = &session;
        credential_alert_decide(&forecast, &reported, now_ms, &alert);
        reported = alert.after;
        alerts += alert.kind == ALERT_ENDING;
        assert_int_equal(alerts, day < 9 ? 1 : 2);
    }
}

static void states_are_reported_when_they_change(void **state)
{
    (void)state;
    static const struct {
        enum forecast_state state;
        const char *from; /* NULL: nothing is reported */
    } rows[] = {
        {FORECAST_FRESH, NULL},
        {FORECAST_DUE, NULL},
        {FORECAST_REFRESHING, NULL},
        {FORECAST_PENDING, NULL},
        {FORECAST_BACKING_OFF, "fresh"},
        {FORECAST_REFRESHING, NULL}, /* once more: it has not succeeded yet */
        {FORECAST_BACKING_OFF, NULL},
        {FORECAST_NEEDS_REAUTHORIZATION, "backing off"},
        {FORECAST_UNREADABLE, "needs re-authorization"},
        {FORECAST_FAILED, "unreadable"},
        {FORECAST_DUE, "failed"},
        {FORECAST_FRESH, NULL},
    };
    struct profile_reported reported = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct credential_alert alert = decide(&reported, rows[i].state, 99 * DAY, 0);
        assert_int_equal(alert.kind, rows[i].from ? ALERT_STATE : ALERT_NONE);
        if (rows[i].from)
            assert_true(str_eq(alert.state_before, str_from(rows[i].from)));
    }
}

/* The access token's end is near then, which the state has said already. */
static void an_end_is_not_reported_beside_a_state(void **state)
{
    (void)state;
    struct profile_reported reported = {0};
    assert_int_equal(decide(&reported, FORECAST_BACKING_OFF, HOUR, 0).kind, ALERT_STATE);
    assert_int_equal(decide(&reported, FORECAST_BACKING_OFF, HOUR / 2, 0).kind, ALERT_NONE);
}

/* --- in a store --- */

static const struct profile_key key = {{"123456789012", sizeof("123456789012") - 1},
                                       {"us-east-1", sizeof("us-east-1") - 1},
                                       {"crm", sizeof("crm") - 1}};

static struct event_key subject(void)
{
    return (struct event_key){key.account, key.region, key.name};
}

static bool apply_insert_one(struct db *db, void *argument, struct error *error)
{
    return profile_insert(db, argument, 0, error);
}

static void insert_one(struct fixture *f)
{
    struct profile profile = {
        .key = key,
        .version = 1,
        .connector_type = STR("Salesforce"),
        .connection_mode = STR("Public"),
        .credentials_arn = STR("arn"),
        .properties = STR("{}"),
        .sealed_credentials = STR("sealed"),
    };
    check(f, store_apply(f->store, apply_insert_one, &profile, false, &f->error));
}

static struct profile load(struct fixture *f)
{
    struct stored_credentials_row *rows;
    const struct profile_key start = {STR(""), STR(""), STR("")};
    size_t count;
    check(f, stored_credentials_list(f->reader, &f->arena, start, key.name, 10, &rows, &count,
                                     &f->error));
    assert_int_equal(count, 1);
    assert_false(rows[0].has_tokens);
    assert_false(rows[0].has_state);
    return rows[0].profile;
}

static size_t events(struct fixture *f, struct queued_event **ret_events)
{
    size_t count;
    check(f, event_queue_list(f->reader, &f->arena, subject(), 100, ret_events, &count, &f->error));
    return count;
}

static void pass(const struct profile_context *context, const struct profile *profile,
                 int64_t left_ms)
{
    struct forecast_alerts *alerts = forecast_alerts_new(context);
    struct profile_forecast forecast = forecast_of(FORECAST_FRESH, NOW + 100 * DAY, 100 * DAY);
    forecast_alerts_note(alerts, profile, &forecast, NOW + 100 * DAY - left_ms);
    forecast_alerts_report(alerts);
    forecast_alerts_free(alerts);
}

/* Two nodes have read the same row: one of them reports. A later pass finds nothing new, and each
 * event has what is documented. */
static void one_of_two_nodes_reports(void **state)
{
    struct fixture *f = *state;
    struct queued_event *list;
    struct job_runner *runner = job_runner_new(&webhook_kind, NULL, f->store); /* not started */
    const struct profile_context context = {.store = f->store, .webhook = runner};
    struct value *event;
    insert_one(f);
    struct profile both = load(f);
    pass(&context, &both, 29 * DAY);
    pass(&context, &both, 29 * DAY);
    assert_int_equal(events(f, &list), 1);
    struct profile later = load(f);
    assert_int_equal(later.reported.level, 1);
    pass(&context, &later, 28 * DAY);
    assert_int_equal(events(f, &list), 1);
    pass(&context, &later, HOUR);
    assert_int_equal(events(f, &list), 2);
    assert_true(list[0].seq < list[1].seq);
    assert_true(json_parse(list[1].body, &f->arena, &event));
    assert_true(str_eq(value_text(event, "event"), STR("credentials.ending")));
    assert_true(str_eq(value_text(event, "profile"), STR("crm")));
    assert_true(str_eq(value_text(event, "connector"), STR("Salesforce")));
    assert_true(str_eq(value_text(event, "credential"), STR("refresh token")));
    assert_true(str_eq(value_text(event, "confidence"), STR("documented")));
    assert_int_equal(value_integer(event, "withinSeconds", 0), DAY / 1000);
    assert_null(value_get(event, "connectorLabel"));
    job_runner_free(runner);
}

/* --- the events of the webhook --- */

struct adding {
    struct event_key key;
    int count;
};

static bool apply_add(struct db *db, void *argument, struct error *error)
{
    const struct adding *adding = argument;
    for (int i = 0; i < adding->count; i++) {
        if (!event_queue_add(db, adding->key, STR("{}"), error))
            return false;
    }
    return true;
}

static struct job_row *due_job(struct fixture *f, size_t *ret_count)
{
    const struct job_filter filter = {.kind = WEBHOOK_JOB, .now_ms = clock_wall_ms(), .limit = 9};
    struct job_row *rows;
    check(f, job_list_due(f->reader, &f->arena, &filter, &rows, ret_count, &f->error));
    return rows;
}

struct ending {
    struct job_row job;
    int64_t seq; /* that was taken */
    bool more;
};

static bool apply_end(struct db *db, void *argument, struct error *error)
{
    struct ending *ending = argument;
    bool held;
    return job_finish(db, &ending->job, &held, error) &&
           event_queue_drop(db, subject(), ending->seq, error) &&
           event_queue_continue(db, subject(), &ending->more, error);
}

/* The job ends with the last event; what came meanwhile has one, and its runner is to look. */
static void a_job_goes_on_while_there_are_events(void **state)
{
    struct fixture *f = *state;
    struct adding two = {subject(), 2};
    struct queued_event *list;
    size_t count;
    check(f, store_apply(f->store, apply_add, &two, false, &f->error));
    assert_int_equal(events(f, &list), 2);
    struct ending ending = {*due_job(f, &count), list[0].seq, false};
    assert_int_equal(count, 1);
    check(f, store_apply(f->store, apply_end, &ending, false, &f->error));
    assert_true(ending.more);
    assert_int_equal(events(f, &list), 1);
    ending = (struct ending){*due_job(f, &count), list[0].seq, true};
    assert_int_equal(count, 1);
    check(f, store_apply(f->store, apply_end, &ending, false, &f->error));
    assert_false(ending.more);
    assert_int_equal(events(f, &list), 0);
    due_job(f, &count);
    assert_int_equal(count, 0);
}

struct trimming {
    struct str account;
    enum event_kind kind;
    int64_t keep, removed;
};

static bool apply_trim(struct db *db, void *argument, struct error *error)
{
    struct trimming *trimming = argument;
    return event_queue_trim(db, trimming->account, trimming->kind, trimming->keep,
                            &trimming->removed, error);
}

static void an_account_keeps_its_newest_events(void **state)
{
    struct fixture *f = *state;
    struct adding ours = {subject(), 5};
    struct adding others = {{STR("111122223333"), STR("us-east-1"), STR("crm")}, 3};
    struct trimming trimming = {key.account, EVENTS_OF_CREDENTIALS, 2, 0};
    struct event_queue_count *counts;
    struct queued_event *before, *after;
    size_t count;
    check(f, store_apply(f->store, apply_add, &ours, false, &f->error));
    check(f, store_apply(f->store, apply_add, &others, false, &f->error));
    assert_int_equal(events(f, &before), 5);
    check(f, store_apply(f->store, apply_trim, &trimming, false, &f->error));
    assert_int_equal(trimming.removed, 3);
    assert_int_equal(events(f, &after), 2);
    assert_int_equal(after[0].seq, before[3].seq);
    check(f, event_queue_count(f->reader, &f->arena, &counts, &count, &f->error));
    assert_int_equal(count, 2);
    assert_int_equal(counts[0].waiting, 3);
    assert_int_equal(counts[1].waiting, 2);
}

/* Flows have many more events than credentials, and what waits for one receiver says nothing of
 * another: no kind pushes out another one. */
static void each_kind_is_bounded_apart(void **state)
{
    struct fixture *f = *state;
    struct adding ours = {subject(), 3};
    struct adding flows = {{key.account, key.region, STR(EVENT_OF_FLOW "nightly")}, 5};
    struct adding for_bus = {{key.account, key.region, STR(EVENT_FOR_BUS "nightly")}, 4};
    struct trimming trimming = {key.account, EVENTS_OF_FLOWS, 2, 0};
    struct event_queue_count *counts;
    struct queued_event *list;
    size_t count;
    check(f, store_apply(f->store, apply_add, &ours, false, &f->error));
    check(f, store_apply(f->store, apply_add, &flows, false, &f->error));
    check(f, store_apply(f->store, apply_add, &for_bus, false, &f->error));
    check(f, store_apply(f->store, apply_trim, &trimming, false, &f->error));
    assert_int_equal(trimming.removed, 3);
    assert_int_equal(events(f, &list), 3);
    check(f, event_queue_count(f->reader, &f->arena, &counts, &count, &f->error));
    assert_int_equal(count, EVENT_KINDS);
    static const int64_t waiting[EVENT_KINDS] = {3, 2, 4};
    for (int i = 0; i < EVENT_KINDS; i++)
        assert_true((int)counts[i].kind == i && counts[i].waiting == waiting[i]);
}

/* --- signatures --- */

static void events_are_signed_with_each_secret(void **state)
{
    (void)state;
    char path[] = "/tmp/webhook-XXXXXX", hex[2 * CRYPTO_HASH_SIZE + 1];
    unsigned char hash[CRYPTO_HASH_SIZE];
    struct webhook_secrets *secrets;
    struct arena arena = {0};
    struct error error = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0 && fchmod(fd, 0600) == 0);
    assert_int_equal(write(fd, " 0123456789abcdef\r\n\nfedcba9876543210", 37), 37);
    close(fd);
    assert_true(webhook_secrets_read(path, &secrets, &error));
    struct str signature = webhook_signature(secrets, 1700000000, STR("{}"), &arena);
    crypto_hmac(STR("0123456789abcdef"), STR("1700000000.{}"), hash);
    encode_hex(hash, sizeof(hash), hex);
    struct str first = arena_printf(&arena, "v1=%s,v1=", hex);
    assert_true(str_starts(signature, first));
    assert_int_equal(signature.len, first.len + sizeof(hex) - 1);
    webhook_secrets_free(secrets);
    arena_done(&arena);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds_follow_the_length_of_the_life),
        cmocka_unit_test(each_threshold_is_reported_once),
        cmocka_unit_test(an_end_that_moves_on_begins_anew),
        cmocka_unit_test(an_end_that_use_moves_is_reported_once),
        cmocka_unit_test(states_are_reported_when_they_change),
        cmocka_unit_test(an_end_is_not_reported_beside_a_state),
        test_with_store(one_of_two_nodes_reports),
        test_with_store(a_job_goes_on_while_there_are_events),
        test_with_store(an_account_keeps_its_newest_events),
        test_with_store(each_kind_is_bounded_apart),
        cmocka_unit_test(events_are_signed_with_each_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
