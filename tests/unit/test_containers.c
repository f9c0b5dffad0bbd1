/* The containers of base/: lists, hash maps, the hash; and the two kinds of arena. */
#include "cmocka_all.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct number {
    int value;
    struct list_link link;
};

/* The list's values forwards; that it reads the same backwards is checked. */
static const char *shown(const struct list *list)
{
    static char text[64];
    size_t len = 0;
    const struct list_link *previous = NULL;
    text[0] = '\0';
    for (list_each(struct number, each, list, link)) {
        assert_ptr_equal(each->link.previous, previous);
        previous = &each->link;
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%d", each->value);
    }
    assert_ptr_equal(list->last, previous);
    return text;
}

static void a_list_keeps_its_order(void **state)
{
    (void)state;
    struct number n[6];
    struct list list = {0}, more = {0};
    for (int i = 0; i < 6; i++)
        n[i] = (struct number){.value = i};
    assert_string_equal(shown(&list), "");
    assert_null(list_take_first(&list));
    list_append(&list, &n[1].link);
    list_append(&list, &n[3].link);
    list_prepend(&list, &n[0].link);
    list_insert(&list, &n[3].link, &n[2].link);
    list_insert(&list, NULL, &n[4].link);
    assert_string_equal(shown(&list), "01234");
    list_remove(&list, &n[2].link);
    list_remove(&list, &n[4].link);
    list_remove(&list, &n[0].link);
    assert_string_equal(shown(&list), "13");
    list_append(&more, &n[5].link);
    list_insert(&more, &n[5].link, &n[4].link);
    list_move(&list, &more);
    assert_string_equal(shown(&list), "1345");
    assert_string_equal(shown(&more), "");
    list_move(&more, &list);
    list_move(&more, &list);
    assert_string_equal(shown(&more), "1345");
    assert_int_equal(list_item(list_take_first(&more), struct number, link)->value, 1);
    while (list_take_first(&more))
        ;
    assert_string_equal(shown(&more), "");
}

enum { NAMES = 1000 };

struct named {
    struct map_link link;
    char text[16];
};

static void a_map_finds_what_it_holds(void **state)
{
    (void)state;
    static struct named items[NAMES];
    struct map map = {0};
    assert_null(map_find(&map, STR("name-0")));
    for (size_t i = 0; i < NAMES; i++) {
        int len = snprintf(items[i].text, sizeof(items[i].text), "name-%zu", i);
        items[i].link.name = (struct str){items[i].text, (size_t)len};
        map_add(&map, &items[i].link);
    }
    assert_int_equal(map.count, NAMES);
    for (size_t i = 0; i < NAMES; i += 2)
        map_remove(&map, &items[i].link);
    for (size_t i = 0; i < NAMES; i++)
        assert_ptr_equal(map_find(&map, items[i].link.name), i % 2 ? &items[i].link : NULL);
    assert_null(map_find(&map, STR("")));
    assert_int_equal(map.count, NAMES / 2);
    map_done(&map);
    assert_null(map_find(&map, STR("name-1")));
}

/* Of the reference implementation: key and text are 00 01 02 and so on. */
static void the_hash_is_siphash_2_4(void **state)
{
    (void)state;
    unsigned char bytes[16];
    for (unsigned char i = 0; i < sizeof(bytes); i++)
        bytes[i] = i;
    const struct str text = {(const char *)bytes, 15};
    assert_true(siphash(bytes, STR("")) == 0x726fdb47dd0e0e31U);
    assert_true(siphash(bytes, (struct str){text.data, 8}) == 0x93f5f5799a932462U);
    assert_true(siphash(bytes, text) == 0xa129ca6149be45e5U);
    assert_true(hash_text(text) == hash_text(text));
    assert_true(hash_text(text) != hash_text(STR("")));
    assert_true(hash_text(text) != siphash(bytes, text)); /* the process has a key of its own */
}

static void ascii_is_folded_and_nothing_else(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_true(str_eq(arena_lower(&arena, STR("aZ@[`{09\xC3\x89")), STR("az@[`{09\xC3\x89")));
    arena_done(&arena);
    for (int c = -128; c < 128; c++) {
        char byte = (char)c;
        bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z',
             digit = c >= '0' && c <= '9';
        assert_int_equal(ascii_is_lower_alnum(byte), lower || digit);
        assert_int_equal(ascii_is_alnum(byte), lower || upper || digit);
        assert_int_equal(ascii_lower(byte), upper ? c + 32 : c);
        assert_int_equal(ascii_upper(byte), lower ? c - 32 : c);
        const char *digits = "0123456789abcdef0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;
        assert_int_equal(ascii_hex_digit(byte), at ? (at - digits) % 16 : -1);
    }
}

static bool is_zero(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static void a_secret_arena_hands_out_zeros_again(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *first = arena_take(&arena, 1000);
    memset(first, 'x', 1000);
    arena_reset(&arena);
    char *again = arena_take(&arena, 1000);
    assert_ptr_equal(again, first);
    assert_true(is_zero(again, 1000));
    arena_done(&arena);
}

static void a_plain_arena_is_cleared_only_where_asked(void **state)
{
    (void)state;
    struct arena arena = {.kind = ARENA_PLAIN};
    char *first = arena_take(&arena, 1000);
    memset(first, 'x', 1000);
    arena_reset(&arena);
    char *again = arena_take(&arena, 500), *cleared = arena_alloc(&arena, 400);
    assert_ptr_equal(again, first);
    assert_int_equal(again[499], 'x');
    assert_true(is_zero(cleared, 400));
    assert_string_equal(arena_printf(&arena, "%d", 7).data, "7");
    assert_string_equal(arena_cstr(&arena, STR("text")), "text");
    arena_done(&arena);
}

static void the_last_piece_changes_its_size_in_place(void **state)
{
    (void)state;
    static const enum arena_kind kinds[] = {ARENA_SECRET, ARENA_PLAIN};
    for (size_t i = 0; i < 2; i++) {
        struct arena arena = {.kind = kinds[i]};
        char *first = arena_take(&arena, 100), *last = arena_take(&arena, 100);
        memset(last, 'x', 100);
        assert_false(arena_resize(&arena, first, 100, 10));
        assert_false(arena_resize(&arena, first, 100, 110));
        assert_true(arena_resize(&arena, last, 100, 200));
        assert_true(arena_resize(&arena, last, 200, 16));
        assert_int_equal(arena.used, 112 + 16);
        char *next = arena_take(&arena, 84);
        assert_ptr_equal(next, last + 16);
        assert_true(is_zero(next, 84) || kinds[i] == ARENA_PLAIN);
        assert_false(arena_resize(&arena, next, 84, 1024 * 1024));
        arena_done(&arena);
    }
}

/* However much was taken, a reset keeps a block of bounded size. */
static void blocks_do_not_grow_without_bound(void **state)
{
    (void)state;
    enum { PIECE = 64 * 1024, BOUND = 1024 * 1024 };
    struct arena arena = {.kind = ARENA_PLAIN};
    for (int i = 0; i < 256; i++)
        arena_take(&arena, PIECE);
    arena_reset(&arena);
    assert_non_null(arena.head);
    char *first = arena_take(&arena, PIECE);
    assert_false(arena_resize(&arena, first, PIECE, BOUND));
    arena_take(&arena, 4 * BOUND);
    arena_reset(&arena);
    assert_null(arena.head);
    assert_int_equal(arena.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_keeps_its_order),
        cmocka_unit_test(a_map_finds_what_it_holds),
        cmocka_unit_test(the_hash_is_siphash_2_4),
        cmocka_unit_test(ascii_is_folded_and_nothing_else),
        cmocka_unit_test(a_secret_arena_hands_out_zeros_again),
        cmocka_unit_test(a_plain_arena_is_cleared_only_where_asked),
        cmocka_unit_test(the_last_piece_changes_its_size_in_place),
        cmocka_unit_test(blocks_do_not_grow_without_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
