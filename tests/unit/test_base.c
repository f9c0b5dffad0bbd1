/* Arena, buffer, strings and encodings. */
#include "cmocka_all.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (size_t size = 1; size < 20000; size = size * 3 + 1) {
        char *piece = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)piece % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(piece[i], 0);
        memset(piece, 0xAA, size);
    }
    arena_reset(&arena);
    char *again = arena_alloc(&arena, 4000);
    for (size_t i = 0; i < 4000; i++)
        assert_int_equal(again[i], 0);
    arena_done(&arena);
    assert_null(arena.head);
}

/* The heap gives a block that was used before. */
static void arena_clears_what_the_heap_left(void **state)
{
    (void)state;
    enum { BLOCK = 8192 };
    volatile unsigned char *dirty = malloc(BLOCK);
    assert_non_null(dirty);
    for (size_t i = 0; i < BLOCK; i++)
        dirty[i] = 0xAA;
    free((void *)dirty);
    for (int kind = ARENA_SECRET; kind <= ARENA_PLAIN; kind++) {
        struct arena arena = {.kind = (enum arena_kind)kind};
        char *piece = arena_alloc(&arena, 4000);
        for (size_t i = 0; i < 4000; i++)
            assert_int_equal(piece[i], 0);
        memset(piece, 0xAA, 4000);
        arena_reset(&arena);
        piece = arena_alloc(&arena, 7000); /* a part of it was used before */
        for (size_t i = 0; i < 7000; i++)
            assert_int_equal(piece[i], 0);
        arena_done(&arena);
    }
}

static void buf_stops_at_its_limit(void **state)
{
    (void)state;
    struct buf buf = buf_on_heap(10);
    buf_add(&buf, STR("12345"));
    buf_add(&buf, STR("67890"));
    assert_false(buf.overflow);
    buf_add_char(&buf, 'x');
    assert_true(buf.overflow);
    assert_true(str_eq(buf_str(&buf), STR("1234567890")));
    buf_done(&buf);
    buf_done(&buf);
}

static void buf_writes_numbers(void **state)
{
    (void)state;
    struct buf buf = buf_on_heap(200);
    buf_add_i64(&buf, 0);
    buf_add_i64(&buf, INT64_MIN);
    buf_add_i64(&buf, INT64_MAX);
    buf_add_u64(&buf, UINT64_MAX);
    assert_string_equal(buf_str(&buf).data,
                        "0-9223372036854775808922337203685477580718446744073709551615");
    buf_done(&buf);
}

/* What did not fit where it was printed first is printed again, and nothing of it stays behind. */
static void buf_replaces(void **state)
{
    (void)state;
    static const struct {
        struct str text, placeholder, value, result;
    } rows[] = {
        {STR("a{x}b{x}"), STR("{x}"), STR("12"), STR("a12b12")},
        {STR("{x}{x}"), STR("{x}"), STR("{x}"), STR("{x}{x}")},
        {STR("{{x}"), STR("{x}"), STR(""), STR("{")},
        {STR("{x"), STR("{x}"), STR("12"), STR("{x")},
        {STR("aaa"), STR("aa"), STR("b"), STR("ba")},
        {STR("abc"), STR(""), STR("1"), STR("abc")},
        {STR(""), STR("{x}"), STR("1"), STR("")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct buf buf = buf_on_heap(8);
        buf_add_replaced(&buf, rows[i].text, rows[i].placeholder, rows[i].value);
        assert_true(str_eq(buf_str(&buf), rows[i].result));
        assert_false(buf.overflow);
        buf_done(&buf);
    }
    struct buf buf = buf_on_heap(3);
    buf_add_replaced(&buf, STR("{x}{x}"), STR("{x}"), STR("12"));
    assert_true(buf.overflow);
    buf_done(&buf);
}

static void buf_prints_at_each_edge(void **state)
{
    (void)state;
    for (size_t before = 240; before < 270; before++) {
        struct buf buf = buf_on_heap(300);
        for (size_t i = 0; i < before; i++)
            buf_add_char(&buf, 'x');
        buf_printf(&buf, "%s-%d", "number", 12345678);
        assert_int_equal(buf.len, before + 15);
        assert_string_equal(buf.data + before, "number-12345678");
        buf_printf(&buf, "%60s", "too much");
        assert_true(buf.overflow);
        assert_string_equal(buf.data + before, "number-12345678");
        for (size_t i = buf.len; i < buf.cap && buf.cap == 512; i++)
            assert_int_equal(buf.data[i], 0);
        buf_done(&buf);
    }
}

static void arena_prints_at_each_edge(void **state)
{
    (void)state;
    for (size_t left = 0; left < 64; left++) {
        struct arena arena = {0};
        size_t first = 16384; /* a block of its own, with `left` bytes after what is taken */
        arena_alloc(&arena, first);
        arena_reset(&arena);
        arena_alloc(&arena, first - left);
        struct str text = arena_printf(&arena, "%s-%d", "number", 12345678);
        assert_int_equal(text.len, 15);
        assert_string_equal(text.data, "number-12345678");
        const char *after = arena_alloc(&arena, 48);
        for (size_t i = 0; i < 48; i++)
            assert_int_equal(after[i], 0);
        assert_string_equal(text.data, "number-12345678");
        arena_done(&arena);
    }
}

static void uuids_have_their_form(void **state)
{
    (void)state;
    char id[UUID_SIZE], other[UUID_SIZE];
    random_uuid(id);
    random_uuid(other);
    assert_int_equal(strlen(id), UUID_SIZE - 1);
    assert_int_equal(strspn(id, "0123456789abcdef-"), UUID_SIZE - 1);
    for (size_t i = 0; i < UUID_SIZE - 1; i++)
        assert_int_equal(id[i] == '-', i == 8 || i == 13 || i == 18 || i == 23);
    assert_int_equal(id[14], '4');
    assert_non_null(strchr("89ab", id[19]));
    assert_string_not_equal(id, other);
}

static void base64_follows_rfc4648(void **state)
{
    (void)state;
    static const struct {
        struct str plain, base64;
    } cases[] = {
        {STR(""), STR("")},
        {STR("f"), STR("Zg==")},
        {STR("fo"), STR("Zm8=")},
        {STR("foo"), STR("Zm9v")},
        {STR("foob"), STR("Zm9vYg==")},
        {STR("fooba"), STR("Zm9vYmE=")},
        {STR("foobar"), STR("Zm9vYmFy")},
    };
    struct arena arena = {0};
    struct str out;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_true(str_eq(encode_base64(&arena, cases[i].plain), cases[i].base64));
        assert_true(decode_base64(&arena, cases[i].base64, &out));
        assert_true(str_eq(out, cases[i].plain));
        assert_true(decode_base64url(&arena, encode_base64url(&arena, cases[i].plain), &out));
        assert_true(str_eq(out, cases[i].plain));
    }
    static const struct str refused[] = {STR("Zg"),   STR("Zg="),  STR("Zh=="),
                                         STR("Z g="), STR("===="), STR("Zg==Zg==")};
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_false(decode_base64(&arena, refused[i], &out));
    arena_done(&arena);
}

static void percent_round_trip(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf buf = buf_in(&arena, 1000);
    struct str out;
    encode_percent(&buf, STR("a b/~\xC3\xA9"), NULL);
    assert_true(str_eq(buf_str(&buf), STR("a%20b%2F~%C3%A9")));
    assert_true(decode_percent(&arena, buf_str(&buf), &out));
    assert_true(str_eq(out, STR("a b/~\xC3\xA9")));
    assert_false(decode_percent(&arena, STR("%4"), &out));
    assert_false(decode_percent(&arena, STR("%zz"), &out));
    arena_done(&arena);
}

static void utf8_is_strict(void **state)
{
    (void)state;
    assert_true(utf8_is_valid(STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")));
    static const struct str bad[] = {STR("\xFF"),     STR("\xC0\x80"),         STR("\xED\xA0\x80"),
                                     STR("\xE2\x82"), STR("\xF4\x90\x80\x80"), STR("\x80")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(utf8_is_valid(bad[i]));
}

static void utf8_is_cut_between_characters(void **state)
{
    (void)state;
    struct str text = STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t most = 0; most < sizeof(kept) / sizeof(*kept); most++)
        assert_int_equal(utf8_cut(text, most).len, kept[most]);
    assert_null(utf8_cut(STR_NULL, 3).data);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    struct buf buf = buf_on_heap(1000);
    encode_json_string(&buf, STR("a\"\\\n\x01\xC3\xA9"));
    assert_true(str_eq(buf_str(&buf), STR("\"a\\\"\\\\\\n\\u0001\xC3\xA9\"")));
    buf_done(&buf);
}

static void error_message_is_cut_at_a_character(void **state)
{
    (void)state;
    char text[ERROR_MESSAGE_MAX + 100];
    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    text[sizeof(text) - 1] = '\0';
    struct error error = {0};
    assert_false(fail(&error, ERR_CONFLICT, "x%s", text));
    assert_int_equal(error.code, ERR_CONFLICT);
    assert_true(utf8_is_valid(str_from(error.message)));
    assert_true(strlen(error.message) >= ERROR_MESSAGE_MAX - 1);
}

static void fields_are_between_separators(void **state)
{
    (void)state;
    struct str arn = STR("arn:aws:iam::123456789012:role/a:b");
    static const char *const fields[] = {"arn", "aws", "iam", "", "123456789012", "role/a", ""};
    static const char *const behind[] = {NULL, NULL, NULL, NULL, NULL, "role/a:b", "b"};
    for (int i = 0; i < 7; i++) {
        assert_true(str_eq(str_field(arn, ':', i), str_from(fields[i])));
        if (behind[i])
            assert_true(str_eq(str_behind(arn, ':', i), str_from(behind[i])));
    }
    assert_true(str_eq(str_behind(arn, ':', 0), arn));
    assert_null(str_behind(arn, ':', 7).data);
    assert_true(str_eq(str_behind(STR("a:"), ':', 1), STR("")));
    assert_non_null(str_behind(STR("a:"), ':', 1).data);
    assert_true(str_eq(str_field(STR("a:b"), ':', 1), STR(""))); /* nothing ends it */
    assert_non_null(str_field(STR("a"), ':', 4).data);
    assert_null(str_behind(STR_NULL, ':', 1).data);
    assert_true(str_eq(str_field(STR_NULL, ':', 0), STR("")));
}

static void numbers_are_strict(void **state)
{
    (void)state;
    unsigned long long n = 7;
    assert_true(str_to_u64(STR("18446744073709551615"), ~0ULL, &n));
    assert_true(n == ~0ULL);
    assert_false(str_to_u64(STR("18446744073709551616"), ~0ULL, &n));
    assert_false(str_to_u64(STR("101"), 100, &n));
    assert_true(str_to_u64(STR("100"), 100, &n));
    assert_false(str_to_u64(STR("+1"), 100, &n));
    assert_false(str_to_u64(STR(""), 100, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_clears_what_the_heap_left),
        cmocka_unit_test(buf_stops_at_its_limit),
        cmocka_unit_test(buf_writes_numbers),
        cmocka_unit_test(buf_replaces),
        cmocka_unit_test(buf_prints_at_each_edge),
        cmocka_unit_test(arena_prints_at_each_edge),
        cmocka_unit_test(uuids_have_their_form),
        cmocka_unit_test(base64_follows_rfc4648),
        cmocka_unit_test(percent_round_trip),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(utf8_is_cut_between_characters),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(error_message_is_cut_at_a_character),
        cmocka_unit_test(fields_are_between_separators),
        cmocka_unit_test(numbers_are_strict),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
