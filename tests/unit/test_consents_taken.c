/* Which consents a process works on: known without the wall clock (profile/consents_taken.h). */
#include "store_fixture.h"

#include "base/clock.h"
#include "profile/consent.h"
#include "profile/consents_taken.h"

#define HOUR_MS (60 * 60 * 1000LL)
#define ID STR("0123456789abcdef0123456789abcdef")

static void ids_last_for_their_time(void **state)
{
    struct consents_taken *taken = consents_taken_new();
    (void)state;
    assert_false(consents_taken_has(taken, ID));
    consents_taken_add(taken, ID, 0);
    assert_false(consents_taken_has(taken, ID));
    consents_taken_add(taken, ID, HOUR_MS);
    consents_taken_add(taken, ID, HOUR_MS);
    consents_taken_remove(taken, ID); /* a second request for it, which lost the race */
    assert_true(consents_taken_has(taken, ID));
    assert_false(consents_taken_has(taken, STR("1123456789abcdef0123456789abcdef")));
    consents_taken_remove(taken, ID);
    assert_false(consents_taken_has(taken, ID));
    consents_taken_free(taken);
}

/* The wall clock was set back, or on, after the answer was taken. */
static void a_step_of_the_clock_interrupts_nothing(void **state)
{
    struct fixture *f = *state;
    const struct profile_context context = {
        .store = f->store, .consents_taken = consents_taken_new(), .verify_timeout_ms = 1000};
    const int64_t steps_ms[] = {-HOUR_MS, 0, HOUR_MS};
    struct consent consent = {.row = {.id = ID, .stage = CONSENT_TAKEN}};
    for (size_t i = 0; i < 3; i++) {
        consent.row.expires_at_ms = clock_wall_ms() + CONSENT_FINISH_MS + steps_ms[i];
        assert_true(consent_is_interrupted(&context, &consent)); /* an earlier process took it */
        consents_taken_add(context.consents_taken, ID, HOUR_MS);
        assert_false(consent_is_interrupted(&context, &consent));
        consents_taken_remove(context.consents_taken, ID);
    }
    consents_taken_free(context.consents_taken);
}

/* There is no such row. */
static void an_answer_that_was_not_taken_is_not_worked_on(void **state)
{
    struct fixture *f = *state;
    const struct profile_context context = {
        .store = f->store, .consents_taken = consents_taken_new(), .verify_timeout_ms = 1000};
    const struct consent consent = {.row = {.id = ID}};
    struct error error = {0};
    assert_false(consent_take(&context, &consent, &error));
    assert_int_equal(error.code, ERR_LOST_RACE);
    assert_false(consents_taken_has(context.consents_taken, ID));
    consents_taken_free(context.consents_taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_last_for_their_time),
        test_with_store(a_step_of_the_clock_interrupts_nothing),
        test_with_store(an_answer_that_was_not_taken_is_not_worked_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
