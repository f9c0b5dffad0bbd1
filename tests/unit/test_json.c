/* JSON reading held against Python's json module (tools/gen_json_cases.py), and its limits. */
#include "cmocka_all.h"

#include "wire/errors.h"
#include "wire/json.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_SIZE_MAX = 32 * 1024 * 1024, CASES_MIN = 6000, DUMP_MAX = 4 * 1024 * 1024 };

static const char *cases_path;

static void dump_text(struct buf *out, struct str text)
{
    buf_add_char(out, 's');
    buf_add_u64(out, text.len);
    buf_add_char(out, ':');
    buf_add(out, text);
}

static void dump_number(struct buf *out, double real)
{
    char digits[24];
    uint64_t bits;
    memcpy(&bits, &real, sizeof(bits));
    snprintf(digits, sizeof(digits), "d%016llx", (unsigned long long)bits);
    buf_add_cstr(out, digits);
}

/* As the generator writes it. */
static void dump(struct buf *out, const struct value *value)
{
    switch (value->kind) {
    case VALUE_STRING:
        dump_text(out, value->text);
        return;
    case VALUE_BOOLEAN:
        buf_add_char(out, value->boolean ? 't' : 'f');
        return;
    case VALUE_INTEGER:
        buf_add_char(out, 'i');
        buf_add_i64(out, value->integer);
        buf_add_char(out, ';');
        return;
    case VALUE_DOUBLE:
        dump_number(out, value->real);
        return;
    case VALUE_RAW:
        assert_true(str_eq(value->text, STR("null")));
        buf_add_char(out, 'n');
        return;
    default:
        buf_add_char(out, value->kind == VALUE_LIST ? '[' : '{');
        for (size_t i = 0; i < value->count; i++) {
            if (value->kind != VALUE_LIST)
                dump_text(out, value->names[i]);
            dump(out, value->items[i]);
        }
        buf_add_char(out, value->kind == VALUE_LIST ? ']' : '}');
    }
}

static struct str next_field(struct str *rest)
{
    uint32_t size;
    assert_true(rest->len >= sizeof(size));
    memcpy(&size, rest->data, sizeof(size));
    struct str field = {rest->data + sizeof(size), size};
    assert_true(rest->len - sizeof(size) >= size);
    *rest = (struct str){field.data + size, rest->len - sizeof(size) - size};
    return field;
}

/* A copy without a byte to spare, so that the address sanitizer sees a read past its end. */
static char *exact_copy(struct str text)
{
    char *copy = malloc(text.len ? text.len : 1);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    return copy;
}

static bool agrees(bool accepted, struct str text, struct str wanted)
{
    struct arena arena = {0};
    struct buf out = buf_in(&arena, DUMP_MAX);
    struct value *value;
    char *copy = exact_copy(text);
    bool read = json_parse((struct str){copy, text.len}, &arena, &value);
    free(copy);
    if (read)
        dump(&out, value);
    bool agrees = read == accepted && (!read || str_eq(buf_str(&out), wanted));
    if (!agrees)
        print_error("%s: %.*s\n  wanted %.*s\n  is     %.*s\n", read ? "accepted" : "refused",
                    (int)(text.len < 200 ? text.len : 200), text.data, STR_ARG(wanted),
                    STR_ARG(buf_str(&out)));
    arena_done(&arena);
    return agrees;
}

static void reads_as_python_does(void **state)
{
    (void)state;
    char *data = malloc(CASES_SIZE_MAX);
    FILE *file = fopen(cases_path, "rbe");
    assert_true(data && file);
    struct str rest = {data, fread(data, 1, CASES_SIZE_MAX, file)};
    fclose(file);
    assert_true(rest.len < CASES_SIZE_MAX);
    size_t cases = 0, accepted = 0, failed = 0;
    for (; rest.len > 0; cases++) {
        bool good = str_eq(next_field(&rest), STR("y"));
        struct str text = next_field(&rest), wanted = next_field(&rest);
        accepted += good;
        failed += !agrees(good, text, wanted);
    }
    free(data);
    assert_int_equal(failed, 0);
    assert_true(cases >= CASES_MIN && accepted > cases / 10 && accepted < cases * 9 / 10);
}

/* "[0,0,…]" with so many items. */
static struct str list_of(struct arena *arena, size_t count)
{
    struct buf out = buf_in(arena, 1024 * 1024);
    for (size_t i = 0; i < count; i++)
        buf_add_cstr(&out, i == 0 ? "[0" : ",0");
    buf_add_char(&out, ']');
    return buf_str(&out);
}

static void the_number_of_values_is_limited(void **state)
{
    (void)state;
    static const size_t limits[] = {4, 1000, JSON_REQUEST_NODES_MAX, JSON_ANSWER_NODES_MAX};
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        struct arena arena = {0};
        struct error error = {0};
        char message[100];
        struct json_scratch scratch;
        struct str good = list_of(&arena, limits[i] - 1), bad = list_of(&arena, limits[i]);
        yyjson_val *root;
        json_scratch_init(&scratch);
        assert_true(json_read(good, limits[i], &scratch, &root, &error));
        assert_int_equal(yyjson_arr_size(root), limits[i] - 1);
        json_scratch_done(&scratch);
        assert_false(json_read(bad, limits[i], &scratch, &root, &error));
        json_scratch_done(&scratch);
        assert_int_equal(error.code, ERR_SERIALIZATION);
        snprintf(message, sizeof(message), "The body has more than %zu JSON values and names.",
                 limits[i]);
        assert_string_equal(error.message, message);
        arena_done(&arena);
    }
}

/* The array of values stops growing at the limit: 16 bytes a value, in steps of a half. */
static void a_hostile_text_takes_bounded_memory(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    yyjson_val *root;
    struct str text = list_of(&arena, 500 * 1000);
    struct json_scratch scratch;
    json_scratch_init(&scratch);
    assert_false(json_read(text, JSON_REQUEST_NODES_MAX, &scratch, &root, &error));
    /* Beside the copy, the library's first guess: a value for each six bytes. */
    assert_int_equal(scratch.text_len, text.len);
    assert_true(scratch.far_nodes.used < text.len / 6 * sizeof(yyjson_val) + 4096);
    json_scratch_done(&scratch);
    arena_done(&arena);
}

static void limits_are_those_of_the_place(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    struct value *value;
    const struct shape *shape = shape_by_name(STR("DescribeConnectorProfilesRequest"));
    struct str many = list_of(&arena, JSON_REQUEST_NODES_MAX);
    struct str body = arena_printf(&arena, "{\"x\":%.*s}", STR_ARG(many));
    assert_false(restjson_decode(shape, body, &arena, &value, &error));
    assert_string_equal(error.message, "The body has more than 20000 JSON values and names.");
    assert_true(json_parse(body, &arena, &value));
    assert_false(json_parse(list_of(&arena, JSON_ANSWER_NODES_MAX), &arena, &value));
    arena_done(&arena);
}

/* An object may have what a tree of values has no place for; two of them are none. */
static void an_object_is_told_from_anything_else(void **state)
{
    (void)state;
    static const char *const objects[] = {
        "{}",
        " {\"a\":{\"b\":[1,null]}} \n",
        "{\"a\":123456789012345678901234567890,\"b\":1e999,\"a\":\"\\u0000\"}",
    };
    static const char *const others[] = {
        "",
        "[]",
        "1",
        "\"{}\"",
        "null",
        "{},{}",
        "{}{}",
        "{}]",
        "{",
        "}",
        "{\"a\":01}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\\ud800\"}",
        "{a:1}",
        "{\"a\":1,}",
        "\xef\xbb\xbf{}",
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++)
        assert_true(json_is_object(str_from(objects[i])));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (json_is_object(str_from(others[i])))
            fail_msg("taken: %s", others[i]);
    }
    struct str many = list_of(&arena, JSON_ANSWER_NODES_MAX);
    assert_false(json_is_object(arena_printf(&arena, "{\"x\":%.*s}", STR_ARG(many))));
    arena_done(&arena);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_python_does),
        cmocka_unit_test(the_number_of_values_is_limited),
        cmocka_unit_test(a_hostile_text_takes_bounded_memory),
        cmocka_unit_test(limits_are_those_of_the_place),
        cmocka_unit_test(an_object_is_told_from_anything_else),
    };
    cases_path = argc > 1 ? argv[1] : "json_cases.bin";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
