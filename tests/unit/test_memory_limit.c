/* The limit on what requests hold, each account's share of it, and arenas that are counted by it.
 */
#include "cmocka_all.h"

#include "wire/restjson.h"
#include "work/memory_limit.h"

#include <string.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static void an_account_leaves_as_much_as_it_takes(void **state)
{
    (void)state;
    struct memory_limit *limit = memory_limit_new(8 * MIB);
    struct memory_reservation one, again, other, third;
    memory_reservation_begin(limit, STR("1"), &one);
    memory_reservation_begin(limit, STR("1"), &again);
    memory_reservation_begin(limit, STR("2"), &other);
    memory_reservation_begin(limit, STR("3"), &third);
    assert_true(memory_reserve(&one, 3 * MIB));
    assert_true(memory_reserve(&again, 1 * MIB));
    assert_false(memory_reserve(&again, 1 * MIB + 1)); /* half of the limit is the account's */
    assert_true(memory_reserve(&other, 2 * MIB));
    assert_false(memory_reserve(&other, 2 * MIB + 1));
    assert_false(memory_reserve(&third, 1 * MIB + 1));
    assert_true(memory_reserve(&third, 1 * MIB));
    assert_int_equal(memory_limit_bytes(limit), 7 * MIB);
    memory_reservation_end(&one);
    memory_reservation_end(&one); /* nothing more */
    assert_int_equal(memory_limit_bytes(limit), 4 * MIB);
    assert_true(memory_reserve(&again, 2 * MIB));
    memory_reservation_end(&again);
    memory_reservation_end(&other);
    memory_reservation_end(&third);
    assert_int_equal(memory_limit_bytes(limit), 0);
    memory_limit_free(limit);
}

static void what_no_account_holds_counts_too(void **state)
{
    (void)state;
    struct memory_limit *limit = memory_limit_new(4 * MIB);
    struct memory_reservation reservation;
    memory_reservation_begin(limit, STR("1"), &reservation);
    memory_limit_add(limit, 2 * MIB);
    assert_true(memory_limit_has_room(limit, 2 * MIB));
    assert_false(memory_limit_has_room(limit, 2 * MIB + 1));
    assert_false(memory_reserve(&reservation, 1 * MIB + 1));
    assert_true(memory_reserve(&reservation, 1 * MIB));
    memory_limit_add(limit, 4 * MIB);
    assert_false(memory_limit_has_room(limit, 0));
    assert_false(memory_reserve(&reservation, 1 * MIB + 1));
    memory_limit_remove(limit, 6 * MIB);
    memory_reservation_end(&reservation);
    assert_int_equal(memory_limit_bytes(limit), 0);
    memory_limit_free(limit);
}

static void arenas_are_counted_by_block(void **state)
{
    (void)state;
    struct memory_limit *limit = memory_limit_new(8 * MIB);
    struct memory_reservation reservation;
    struct arena arena = {0};
    arena_alloc(&arena, 1);
    memory_reservation_begin(limit, STR("1"), &reservation);
    arena_set_meter(&arena, &reservation.meter); /* what it has already counts */
    assert_true(reservation.meter.held >= 8000 && reservation.meter.held < 8192);
    assert_int_equal(memory_limit_bytes(limit), reservation.meter.held);
    assert_true(memory_reserve(&reservation, 64 * KIB));
    size_t reserved = memory_limit_bytes(limit);
    assert_int_equal(reserved, reservation.meter.held + 64 * KIB);

    struct arena call = arena_beside(&arena);
    assert_true(arena_has_room(&call, 1 * MIB));
    assert_true(memory_limit_bytes(limit) > 1 * MIB);
    arena_alloc(&call, 1 * MIB);
    assert_false(arena_has_room(&call, 8 * MIB));
    arena_alloc(&call, 8 * MIB); /* without the question it is taken, and counted */
    assert_true(memory_limit_bytes(limit) > 9 * MIB);
    assert_false(arena_has_room(&call, 2 * MIB));
    arena_done(&call);
    assert_int_equal(memory_limit_bytes(limit), reserved);

    arena_done(&arena);
    memory_reservation_end(&reservation);
    assert_int_equal(memory_limit_bytes(limit), 0);
    memory_limit_free(limit);
}

static void what_is_handed_over_counts_once(void **state)
{
    (void)state;
    struct memory_limit *limit = memory_limit_new(8 * MIB);
    struct memory_reservation from, to;
    struct arena arena = {0};
    memory_reservation_begin(limit, STR("1"), &from);
    memory_reservation_begin(limit, STR("1"), &to);
    arena_set_meter(&arena, &from.meter);
    assert_true(arena_has_room(&arena, 3 * MIB));
    arena_alloc(&arena, 3 * MIB);
    arena_set_meter(&arena, &to.meter);
    assert_int_equal(memory_limit_bytes(limit), to.meter.held);
    arena_done(&arena);
    memory_reservation_end(&from);
    memory_reservation_end(&to);
    memory_limit_free(limit);
}

static void without_a_limit_there_is_room(void **state)
{
    (void)state;
    struct memory_reservation reservation;
    struct arena arena = {0};
    memory_reservation_begin(NULL, STR("1"), &reservation);
    arena_set_meter(&arena, &reservation.meter);
    assert_true(memory_reserve(&reservation, 1 * MIB));
    assert_true(arena_has_room(&arena, 100 * MIB));
    arena_alloc(&arena, 100);
    arena_set_meter(&arena, NULL);
    memory_reservation_end(&reservation);
    assert_true(arena_has_room(&arena, 100 * MIB));
    arena_done(&arena);
}

/* "[{},{},…]" */
static struct str objects(struct arena *arena, size_t count)
{
    char *text = arena_take(arena, 3 * count + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(text + 3 * i, i == 0 ? "[{}" : ",{}", 3);
    text[3 * count] = ']';
    return (struct str){text, 3 * count + 1};
}

/* At each limit up to the one that suffices, an answer is refused and not made into values. */
static void an_answer_takes_no_more_than_there_is_room_for(void **state)
{
    (void)state;
    struct arena source = {0};
    struct str text = objects(&source, 49 * 1000);
    struct value *value;
    size_t refused = 0;
    enum json_fault fault = JSON_NO_ROOM;
    for (size_t most = 64 * KIB; fault == JSON_NO_ROOM; most *= 2) {
        struct memory_limit *limit = memory_limit_new(2 * most);
        struct memory_reservation reservation;
        struct arena arena = {0};
        memory_reservation_begin(limit, STR("1"), &reservation);
        arena_set_meter(&arena, &reservation.meter);
        fault = json_parse_answer(text, &arena, &value);
        assert_true(fault == JSON_READ || memory_limit_bytes(limit) <= most);
        arena_done(&arena);
        memory_reservation_end(&reservation);
        assert_int_equal(memory_limit_bytes(limit), 0);
        memory_limit_free(limit);
        refused += fault == JSON_NO_ROOM;
    }
    assert_int_equal(fault, JSON_READ);
    assert_true(refused >= 4);
    arena_done(&source);
}

static void an_answer_has_so_many_values(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct value *value;
    assert_int_equal(json_parse_answer(STR("[1,]"), &arena, &value), JSON_UNFIT);
    struct str many = objects(&arena, JSON_ANSWER_NODES_MAX);
    assert_int_equal(json_parse_answer(many, &arena, &value), JSON_TOO_MANY);
    many = objects(&arena, JSON_ANSWER_NODES_MAX - 1);
    assert_int_equal(json_parse_answer(many, &arena, &value), JSON_READ);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_leaves_as_much_as_it_takes),
        cmocka_unit_test(what_no_account_holds_counts_too),
        cmocka_unit_test(arenas_are_counted_by_block),
        cmocka_unit_test(what_is_handed_over_counts_once),
        cmocka_unit_test(without_a_limit_there_is_room),
        cmocka_unit_test(an_answer_takes_no_more_than_there_is_room_for),
        cmocka_unit_test(an_answer_has_so_many_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
