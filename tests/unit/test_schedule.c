/* Slots and windows of schedules: known ones, and properties over years of random histories with
 * late looks, downtime, failures and steps of the clock. */
#include "cmocka_all.h"

#include "base/arena.h"
#include "base/time_text.h"
#include "flow/schedule.h"
#include "wire/json_value.h"

#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static int64_t ms_of(const char *text)
{
    struct time_text time;
    assert_true(time_text_read(str_from(text), TIME_TEXT_NO_ZONE, &time));
    return time.us / 1000;
}

static struct flow_schedule schedule_of(const char *expression, const char *more)
{
    struct arena arena = {0};
    struct flow_schedule schedule;
    struct value *value;
    char json[512];
    snprintf(json, sizeof(json),
             "{\"triggerType\":\"Scheduled\",\"triggerProperties\":{\"Scheduled\":{"
             "\"scheduleExpression\":\"%s\"%s}}}",
             expression, more);
    assert_true(json_parse(str_from(json), &arena, &value));
    assert_true(flow_schedule_read(value, &schedule));
    arena_done(&arena);
    return schedule;
}

static void a_definition_is_read(void **state)
{
    struct flow_schedule all = schedule_of(
        "rate(5minutes)", ",\"scheduleStartTime\":1798761600.000,\"scheduleEndTime\":1798765200,"
                          "\"scheduleOffset\":90,\"dataPullMode\":\"Incremental\","
                          "\"firstExecutionFrom\":1798000000.250,\"timezone\":\"Europe/Berlin\","
                          "\"flowErrorDeactivationThreshold\":3");
    struct flow_schedule least = schedule_of("rate(5minutes)", ",\"dataPullMode\":\"Complete\"");
    (void)state;
    assert_true(all.has_start && all.start_ms == 1798761600000 && all.end_ms == 1798765200000);
    assert_true(all.offset_ms == 90000 && all.is_incremental && all.failures_max == 3);
    assert_true(all.first_from_ms == 1798000000250);
    assert_true(!least.has_start && least.end_ms == SCHEDULE_LAST_MS && !least.is_incremental);
    assert_true(least.first_from_ms == INT64_MIN && least.failures_max == 0);
    assert_true(flow_schedule_same_slots(&least, &least));
    assert_false(flow_schedule_same_slots(&all, &least));
    struct flow_schedule second = schedule_of("cron(0 0 ? * FRI#2 *)", "");
    struct flow_schedule third = schedule_of("cron(0 0 ? * FRI#3 *)", "");
    struct flow_schedule by_number = schedule_of("cron(0 0 ? * 6#2 *)", "");
    assert_false(flow_schedule_same_slots(&second, &third));
    assert_true(flow_schedule_same_slots(&second, &by_number));
}

#define START(seconds) ",\"scheduleStartTime\":" seconds

static const struct {
    const char *expression, *more, *anchor, *after, *next; /* NULL: none */
} nexts[] = {
    /* without a start: at the activation, and then at the rate */
    {"rate(1hours)", "", "2026-03-01T10:17:30", "2026-03-01T10:17:29", "2026-03-01T10:17:30"},
    {"rate(1hours)", "", "2026-03-01T10:17:30", "2026-03-01T10:17:30", "2026-03-01T11:17:30"},
    /* with a start in the future, and in the past: 1772323200 is 2026-03-01T00:00:00 */
    {"rate(6hours)", START("1772323200"), "2026-02-01T00:00:00", "2026-02-01T00:00:00",
     "2026-03-01T00:00:00"},
    {"rate(6hours)", START("1772323200"), "2026-04-01T01:00:00", "2026-04-01T01:00:00",
     "2026-04-01T06:00:00"},
    /* months of the calendar */
    {"rate(1months)", "", "2027-01-31T08:00:00", "2027-01-31T08:00:00", "2027-02-28T08:00:00"},
    {"rate(1months)", "", "2027-01-31T08:00:00", "2027-02-28T08:00:00", "2027-03-31T08:00:00"},
    {"rate(3months)", "", "2026-11-30T08:00:00", "2026-12-24T00:00:00", "2027-02-28T08:00:00"},
    {"rate(10seconds)", "", "2026-03-01T00:00:05", "2026-03-01T00:00:06", "2026-03-01T00:00:15"},
    /* one time */
    {"at(2026-03-01T10:00:00)", "", "2026-02-01T00:00:00", "2026-02-01T00:00:00",
     "2026-03-01T10:00:00"},
    {"at(2026-03-01T10:00:00)", "", "2026-02-01T00:00:00", "2026-03-01T10:00:00", NULL},
    /* start and end bound every kind, and belong to it */
    {"cron(0 10 * * ? *)", START("1772323200"), "2026-01-01T00:00:00", "2026-01-01T00:00:00",
     "2026-03-01T10:00:00"},
    {"at(2026-02-01T10:00:00)", START("1772323200"), "2026-01-01T00:00:00", "2026-01-01T00:00:00",
     NULL},
    {"rate(1days)", ",\"scheduleEndTime\":1772323200", "2026-02-27T00:00:00", "2026-02-28T00:00:00",
     "2026-03-01T00:00:00"},
    {"rate(1days)", ",\"scheduleEndTime\":1772323199", "2026-02-27T00:00:00", "2026-02-28T00:00:00",
     NULL},
    /* the clocks of Berlin and New York change on these days: the label changes no time */
    {"cron(30 2 * * ? *)", ",\"timezone\":\"Europe/Berlin\"", "2026-03-01T00:00:00",
     "2026-03-28T12:00:00", "2026-03-29T02:30:00"},
    {"cron(30 1 * * ? *)", ",\"timezone\":\"America/New_York\"", "2026-03-01T00:00:00",
     "2026-11-01T01:30:00", "2026-11-02T01:30:00"},
};

static void known_slots_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(nexts) / sizeof(*nexts); i++) {
        struct flow_schedule schedule = schedule_of(nexts[i].expression, nexts[i].more);
        int64_t next, anchor = ms_of(nexts[i].anchor);
        bool found = flow_schedule_next(&schedule, anchor, ms_of(nexts[i].after), &next);
        if (found != (nexts[i].next != NULL) || (found && next != ms_of(nexts[i].next)))
            fail_msg("%s after %s: %lld", nexts[i].expression, nexts[i].after,
                     found ? (long long)next : -1);
    }
}

/* --- properties --- */

static const char *const expressions[] = {
    "rate(10seconds)",      "rate(1minutes)",
    "rate(7minutes)",       "rate(3hours)",
    "rate(1days)",          "rate(2weeks)",
    "rate(1months)",        "rate(5months)",
    "cron(0/15 * * * ? *)", "cron(0 8-18 ? * MON-FRI *)",
    "cron(30 2 * * ? *)",   "cron(0 0 L * ? *)",
};
enum { EXPRESSIONS = sizeof(expressions) / sizeof(*expressions) };

static int64_t random_up_to(int64_t most)
{
    int64_t number = (int64_t)(((uint64_t)rand() << 31 | (uint64_t)rand()) & INT64_MAX);
    return number % (most + 1);
}

static struct flow_schedule random_schedule(int64_t now)
{
    struct flow_schedule schedule = schedule_of(expressions[rand() % EXPRESSIONS], "");
    if (rand() % 2 == 0) {
        schedule.has_start = true;
        schedule.start_ms = now + random_up_to(40LL * DAY) - 20LL * DAY;
    }
    if (rand() % 4 == 0)
        schedule.end_ms = now + 30LL * DAY + random_up_to(400LL * DAY);
    schedule.offset_ms = rand() % 2 ? random_up_to(10) * HOUR / 3 : 0;
    schedule.is_incremental = true;
    if (rand() % 3 == 0)
        schedule.first_from_ms = now - 40LL * DAY + random_up_to(60LL * DAY);
    return schedule;
}

/* next and last are each other's inverse: no slot is skipped, and none is found twice. */
static void slots_are_one_sequence(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 600; round++) {
        int64_t now = ms_of("2026-01-15T00:00:00") + random_up_to(5000LL * DAY);
        struct flow_schedule schedule = random_schedule(now);
        int64_t at = now, next, last;
        for (int i = 0; i < 50 && flow_schedule_next(&schedule, now, at, &next); i++) {
            assert_true(next > at && next >= schedule.start_ms && next <= schedule.end_ms);
            assert_true(flow_schedule_last(&schedule, now, next, &last) && last == next);
            assert_true(!flow_schedule_last(&schedule, now, next - 1, &last) || last <= at);
            int64_t between = at + random_up_to(next - at - 1);
            assert_true(flow_schedule_next(&schedule, now, between, &last) && last == next);
            at = next;
        }
    }
}

/* Looks come late, sometimes by weeks, as after downtime. Each slot up to a look has its run, or is
 * stood for by the run of a later slot that was due as well; a look at the same time again starts
 * nothing. */
static void every_slot_has_its_run_or_a_later_one(void **state)
{
    (void)state;
    srand(2);
    for (int round = 0; round < 600; round++) {
        int64_t now = ms_of("2026-01-15T00:00:00") + random_up_to(900LL * DAY), ran = -1, next;
        struct flow_schedule schedule = random_schedule(now);
        struct flow_schedule_past past = {now, now - 1};
        struct flow_schedule_look look, again;
        for (int i = 0; i < 60; i++) {
            int64_t done = past.done_until_ms;
            flow_schedule_look(&schedule, &past, now, &look);
            if (look.is_due) {
                assert_true(look.slot_ms > ran && look.slot_ms > done && look.slot_ms <= now);
                ran = look.slot_ms;
            }
            past.done_until_ms = look.done_until_ms;
            assert_true(!flow_schedule_next(&schedule, past.anchor_ms, past.done_until_ms, &next) ||
                        next > now);
            flow_schedule_look(&schedule, &past, now, &again);
            assert_true(!again.is_due && again.has_next == look.has_next);
            assert_true(!again.has_next || again.next_ms == look.next_ms);
            if (!look.has_next)
                break;
            bool down = rand() % 5 == 0;
            now = look.next_ms + random_up_to(down ? 50LL * DAY : SECOND);
        }
    }
}

/* A step back by some minutes starts no slot twice. One by more does not stop the schedule until
 * the wrong time comes: the next slot of the right time has its run. */
static void the_clock_may_be_set_back(void **state)
{
    struct flow_schedule schedule = schedule_of("rate(10minutes)", START("1772323200"));
    struct flow_schedule_past past = {0, ms_of("2026-03-01T10:00:00")};
    struct flow_schedule_look look;
    (void)state;
    flow_schedule_look(&schedule, &past, ms_of("2026-03-01T09:58:00"), &look);
    assert_true(!look.is_due && look.next_ms == ms_of("2026-03-01T10:10:00"));
    flow_schedule_look(&schedule, &past, ms_of("2025-03-01T09:58:00"), &look);
    assert_true(!look.is_due && look.next_ms == ms_of("2026-03-01T00:00:00"));
    flow_schedule_look(&schedule, &past, ms_of("2026-03-01T08:58:00"), &look);
    assert_true(!look.is_due && look.next_ms == ms_of("2026-03-01T09:00:00"));
    past.done_until_ms = look.done_until_ms;
    flow_schedule_look(&schedule, &past, ms_of("2026-03-01T09:00:00"), &look);
    assert_true(look.is_due && look.slot_ms == ms_of("2026-03-01T09:00:00"));
}

static void starts_are_spread_within_a_part_of_the_period(void **state)
{
    struct flow_schedule minutely = schedule_of("rate(1minutes)", START("1772323200"));
    struct flow_schedule daily = schedule_of("cron(0 0 * * ? *)", "");
    struct flow_schedule own = schedule_of("rate(1days)", "");
    int64_t slot = ms_of("2026-03-02T00:00:00"), most = 0, most_daily = 0;
    (void)state;
    for (uint64_t hash = 0; hash < 100000; hash += 7) {
        int64_t late = flow_schedule_start_ms(&minutely, 0, slot, hash) - slot;
        int64_t late_daily = flow_schedule_start_ms(&daily, 0, slot, hash) - slot;
        assert_true(late >= 0 && late <= 3 * SECOND);
        assert_true(late_daily >= 0 && late_daily <= SCHEDULE_JITTER_MAX_MS);
        most = late > most ? late : most;
        most_daily = late_daily > most_daily ? late_daily : most_daily;
        assert_int_equal(flow_schedule_start_ms(&own, slot, slot, hash), slot);
    }
    assert_true(most > 2900 && most_daily > 29 * SECOND);
}

/* --- windows --- */

static void known_windows(void **state)
{
    struct flow_schedule schedule = schedule_of("rate(1hours)", "");
    int64_t slot = ms_of("2026-03-01T10:00:00") + 750;
    struct flow_window first = flow_schedule_window(&schedule, slot, 0);
    (void)state;
    assert_true(first.from_ms == ms_of("2026-01-30T10:00:00"));
    assert_true(first.to_ms == ms_of("2026-03-01T10:00:00"));
    schedule.offset_ms = HOUR / 2;
    struct flow_window second = flow_schedule_window(&schedule, slot + HOUR, first.to_ms);
    assert_true(second.from_ms == first.to_ms && second.to_ms == ms_of("2026-03-01T10:30:00"));
    schedule.offset_ms = 3 * HOUR; /* more than the time between: nothing for once */
    struct flow_window third = flow_schedule_window(&schedule, slot + 2 * HOUR, second.to_ms);
    assert_true(third.from_ms == second.to_ms && third.to_ms == second.to_ms);
    schedule.first_from_ms = ms_of("2020-01-01T00:00:00");
    assert_true(flow_schedule_window(&schedule, slot, 0).from_ms == schedule.first_from_ms);
}

/* The successful windows of a random history with failures and downtime: each begins where the one
 * before ended. Every record whose time is past the first begin, and up to the last end, is in
 * exactly one of them; one that shows up later than its time by less than the offset is never
 * missed. */
static void successful_windows_are_contiguous(void **state)
{
    enum { RECORDS = 64 };
    (void)state;
    srand(3);
    for (int round = 0; round < 400; round++) {
        int64_t now = ms_of("2026-01-15T00:00:00") + random_up_to(900LL * DAY), begin = -1;
        struct flow_schedule schedule = random_schedule(now);
        struct flow_schedule_past past = {now, now - 1};
        struct flow_schedule_look look;
        struct flow_window pulled = {0, 0};
        bool has_pulled = false;
        int64_t changed_at[RECORDS], shown_at[RECORDS];
        int taken[RECORDS] = {0};
        for (int i = 0; i < RECORDS; i++) {
            changed_at[i] = now - 50LL * DAY + random_up_to(120LL * DAY);
            shown_at[i] =
                changed_at[i] + (schedule.offset_ms ? random_up_to(schedule.offset_ms) : 0);
        }
        for (int i = 0; i < 200; i++) {
            flow_schedule_look(&schedule, &past, now, &look);
            past.done_until_ms = look.done_until_ms;
            if (look.is_due) {
                struct flow_window window =
                    flow_schedule_window(&schedule, look.slot_ms, has_pulled ? pulled.to_ms : 0);
                assert_true(window.from_ms <= window.to_ms && window.from_ms % SECOND == 0 &&
                            window.to_ms % SECOND == 0);
                assert_true(!has_pulled || window.from_ms == pulled.to_ms);
                if (rand() % 4 > 0) { /* successful */
                    begin = begin < 0 ? window.from_ms : begin;
                    pulled = window;
                    has_pulled = true;
                    for (int r = 0; r < RECORDS; r++)
                        taken[r] += shown_at[r] <= now && changed_at[r] > window.from_ms &&
                                    changed_at[r] <= window.to_ms;
                }
            }
            if (!look.has_next)
                break;
            now = look.next_ms + random_up_to(rand() % 5 == 0 ? 3LL * DAY : SECOND);
        }
        for (int r = 0; has_pulled && r < RECORDS; r++)
            assert_int_equal(taken[r], changed_at[r] > begin && changed_at[r] <= pulled.to_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_definition_is_read),
        cmocka_unit_test(known_slots_are_found),
        cmocka_unit_test(slots_are_one_sequence),
        cmocka_unit_test(every_slot_has_its_run_or_a_later_one),
        cmocka_unit_test(the_clock_may_be_set_back),
        cmocka_unit_test(starts_are_spread_within_a_part_of_the_period),
        cmocka_unit_test(known_windows),
        cmocka_unit_test(successful_windows_are_contiguous),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
