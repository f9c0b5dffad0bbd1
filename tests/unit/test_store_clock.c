/* Measuring a database's clock: how many answers are asked for, and which one counts. The test
 * gives the answers, and the monotonic clock. */
#include "cmocka_all.h"

#include "store/core/internal.h"

#include "base/clock.h"

enum { ANSWERS_MAX = 4, WALL_MS = 77 };

static struct {
    int64_t took_ms, offset_ms;
} answers[ANSWERS_MAX];
static int answer_count, asked;
static int64_t mono_ms;

/* In place of what the linker was told to wrap. */
bool __wrap_db_now_ms(struct db *db, int64_t *ret_ms, struct error *error);
int64_t __wrap_clock_mono_ms(void);
bool __wrap_store_reader_take(struct store *store, struct store_reader **ret_reader,
                              struct error *error);
void __wrap_store_reader_put(struct store *store, struct store_reader *reader);
struct db *__wrap_reader_db(struct store_reader *reader);

int64_t __wrap_clock_mono_ms(void)
{
    return mono_ms;
}

/* The database looks at its clock in the middle. */
bool __wrap_db_now_ms(struct db *db, int64_t *ret_ms, struct error *error)
{
    (void)db;
    if (asked >= answer_count)
        return fail(error, ERR_UNAVAILABLE, "The database does not answer.");
    *ret_ms = mono_ms + answers[asked].took_ms / 2 + answers[asked].offset_ms;
    mono_ms += answers[asked].took_ms;
    asked++;
    return true;
}

bool __wrap_store_reader_take(struct store *store, struct store_reader **ret_reader,
                              struct error *error)
{
    (void)store, (void)error;
    *ret_reader = NULL;
    return true;
}

void __wrap_store_reader_put(struct store *store, struct store_reader *reader)
{
    (void)store, (void)reader;
}

struct db *__wrap_reader_db(struct store_reader *reader)
{
    (void)reader;
    return NULL;
}

static int64_t wall_clock(void)
{
    return WALL_MS;
}

static int server; /* any address: that there is one is all that counts */

static struct store remote_store(void)
{
    answer_count = asked = 0;
    mono_ms = 1000 * 1000;
    return (struct store){.server = (struct pg_server *)(void *)&server, .now_ms = wall_clock};
}

static void answer(int64_t took_ms, int64_t offset_ms)
{
    assert_true(answer_count < ANSWERS_MAX);
    answers[answer_count].took_ms = took_ms;
    answers[answer_count++].offset_ms = offset_ms;
}

static int64_t offset_of(const struct store *store)
{
    return store_clock_ms(store) - mono_ms;
}

static void begin(struct store *store)
{
    struct error error;
    assert_true(store_clock_begin(store, NULL, &error));
}

static void an_answer_in_time_is_enough(void **state)
{
    struct store store = remote_store();
    (void)state;
    answer(STORE_CLOCK_ANSWER_MS + 2, 5000);
    answer(STORE_CLOCK_ANSWER_MS, 6000);
    answer(0, 7000);
    begin(&store);
    assert_int_equal(asked, 2);
    assert_int_equal(offset_of(&store), 6000);
}

static void of_late_answers_the_fastest_counts(void **state)
{
    struct store store = remote_store();
    (void)state;
    answer(4000, 5000);
    answer(2000, 6000);
    answer(3000, 7000);
    answer(0, 8000);
    begin(&store);
    assert_int_equal(asked, STORE_CLOCK_TRIES);
    assert_int_equal(offset_of(&store), 6000);
}

static void without_an_answer_the_store_does_not_open(void **state)
{
    struct store store = remote_store();
    struct error error;
    (void)state;
    answer(4000, 5000);
    assert_false(store_clock_begin(&store, NULL, &error));
    assert_int_equal(error.code, ERR_UNAVAILABLE);
    assert_int_equal(store_clock_ms(&store), WALL_MS);
}

static void a_late_answer_changes_nothing(void **state)
{
    struct store store = remote_store();
    (void)state;
    answer(10, 5000);
    begin(&store);
    mono_ms += STORE_CLOCK_MS;
    answer(STORE_CLOCK_ANSWER_MS + 2, 6000);
    store_clock_measure(&store);
    assert_int_equal(asked, 2);
    assert_int_equal(offset_of(&store), 5000);
    store_clock_measure(&store); /* and one that fails */
    assert_int_equal(offset_of(&store), 5000);
    answer(STORE_CLOCK_ANSWER_MS, 7000);
    store_clock_measure(&store);
    assert_int_equal(offset_of(&store), 7000);
}

static void it_is_measured_after_some_time_only(void **state)
{
    struct store store = remote_store();
    (void)state;
    answer(0, 5000);
    answer(0, 6000);
    begin(&store);
    mono_ms += STORE_CLOCK_MS - 1;
    store_clock_measure(&store);
    assert_int_equal(asked, 1);
    mono_ms++;
    store_clock_measure(&store);
    assert_int_equal(asked, 2);
    assert_int_equal(offset_of(&store), 6000);
}

static void a_file_has_the_clock_of_this_machine(void **state)
{
    struct store store = remote_store();
    (void)state;
    store.server = NULL;
    answer(0, 5000);
    store_clock_measure(&store);
    assert_int_equal(asked, 0);
    assert_int_equal(store_clock_ms(&store), WALL_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_in_time_is_enough),
        cmocka_unit_test(of_late_answers_the_fastest_counts),
        cmocka_unit_test(without_an_answer_the_store_does_not_open),
        cmocka_unit_test(a_late_answer_changes_nothing),
        cmocka_unit_test(it_is_measured_after_some_time_only),
        cmocka_unit_test(a_file_has_the_clock_of_this_machine),
    };
    return cmocka_run_group_tests_name("store-clock", tests, NULL, NULL);
}
