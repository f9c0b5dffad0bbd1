/* Taking a list's items out of a JSON text: whatever the pieces are, the items and what is left are
 * the same, and what is left is as valid as the whole was. */
#include "cmocka_all.h"

#include "wire/json_items.h"

#include <string.h>

static struct arena arena;
static struct buf items, rest;
static size_t stop_after;

static bool keep(void *context, struct str text)
{
    size_t *count = context;
    if (items.len > 0)
        buf_add_char(&items, '|');
    buf_add(&items, text);
    return ++*count != stop_after;
}

/* In pieces of `size` bytes. */
static enum json_items_fault take(const char *text, const char *path, size_t size)
{
    struct json_items reader;
    size_t count = 0, len = strlen(text);
    arena_done(&arena);
    items = buf_in(&arena, 1024 * 1024);
    rest = buf_in(&arena, 1024 * 1024);
    json_items_init(&reader, path, &arena, &rest);
    reader.item = keep;
    reader.context = &count;
    for (size_t at = 0; at < len; at += size) {
        struct str piece = {text + at, len - at < size ? len - at : size};
        if (!json_items_push(&reader, piece))
            break;
    }
    return reader.fault;
}

static const struct {
    const char *text, *path, *items, *rest;
} cases[] = {
    {"{\"a\":[{\"x\":1},{\"y\":[2,3]}],\"n\":7}", "/a", "{\"x\":1}|{\"y\":[2,3]}",
     "{\"a\":[0,0],\"n\":7}"},
    {"[1, \"a,]\\\"b\", null ,true]", "", "1|\"a,]\\\"b\"|null|true", "[0, 0, 0 ,0]"},
    {"{\"r\":{\"x\":{\"list\":[9]},\"list\":[1,2]}}", "/r/list", "1|2",
     "{\"r\":{\"x\":{\"list\":[9]},\"list\":[0,0]}}"},
    /* Another member of the same name elsewhere, before and after, is left alone. */
    {"{\"b\":{\"a\":[5]},\"a\":[6],\"c\":{\"a\":[7]}}", "/a", "6",
     "{\"b\":{\"a\":[5]},\"a\":[0],\"c\":{\"a\":[7]}}"},
    {"{\"a\":{\"b\":1},\"c\":{\"b\":[3]},\"a2\":[4]}", "/a/b", "", NULL},
    {"{\"a\":1,\"b\":[2]}", "/b", "2", "{\"a\":1,\"b\":[0]}"},
    {"{\"a\":\"a\",\"x\":[[1],[2]]}", "/x", "[1]|[2]", "{\"a\":\"a\",\"x\":[0,0]}"},
    {"{\"a\":[]}", "/a", "", "{\"a\":[]}"},
    {"{\"a\":{}}", "/a", "", "{\"a\":{}}"},
    {"[{\"a\":[1]}]", "/a", "", NULL},
    {"{\"a\":[1],\"a\":[2]}", "/a", "1", "{\"a\":[0],\"a\":[2]}"},
    /* In the first item of a list, and in no other. */
    {"{\"r\":[{\"n\":1,\"f\":[1,2]},{\"f\":[3]}],\"f\":[4]}", "/r/0/f", "1|2",
     "{\"r\":[{\"n\":1,\"f\":[0,0]},{\"f\":[3]}],\"f\":[4]}"},
    {"{\"r\":[7,{\"f\":[3]}]}", "/r/0/f", "", NULL},
    {"{\"r\":[\"{\",{\"f\":[3]}]}", "/r/0/f", "", NULL},
    {"{\"r\":[],\"x\":{\"f\":[3]}}", "/r/0/f", "", NULL},
    {"{\"r\":[[{\"f\":[3]}]]}", "/r/0/f", "", NULL},
    {"[[5],[6]]", "/0", "5", "[[0],[6]]"},
    {"{\"r\":[{\"x\":{\"f\":[3]}}]}", "/r/0/f", "", NULL},
    /* What is not JSON stays what it is, for the strict reader. */
    {"{\"a\":[1,,2]}", "/a", "1|2", "{\"a\":[0,,0]}"},
    {"{\"a\":[1", "/a", "", "{\"a\":["},
    {"]]]}}}{\"a\":[1]}", "/a", "1", "]]]}}}{\"a\":[0]}"},
    {"<html>[\"a\"]</html>", "/a", "", NULL},
};

static void items_and_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (size_t size = 1; size < 64; size += size < 4 ? 1 : 30) {
            assert_int_equal(take(cases[i].text, cases[i].path, size), JSON_ITEMS_NONE);
            assert_string_equal(items.len ? items.data : "", cases[i].items);
            assert_string_equal(rest.data, cases[i].rest ? cases[i].rest : cases[i].text);
        }
    }
}

static void a_reader_can_stop(void **state)
{
    (void)state;
    stop_after = 2;
    assert_int_equal(take("[1,2,3]", "", 100), JSON_ITEMS_STOPPED);
    assert_string_equal(items.data, "1|2");
    stop_after = 0;
}

static void depth_and_length_are_bounded(void **state)
{
    (void)state;
    char deep[JSON_DEPTH_MAX + 2];
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(take(deep, "/a", 7), JSON_ITEMS_TOO_DEEP);
    static char large[JSON_ITEMS_ITEM_MAX + 16];
    memset(large, 'x', sizeof(large) - 1);
    memcpy(large, "[\"", 2);
    assert_int_equal(take(large, "", 4096), JSON_ITEMS_TOO_LONG);
    large[JSON_ITEMS_ITEM_MAX] = '\0';
    assert_int_equal(take(large, "", 4096), JSON_ITEMS_NONE);
}

static bool keep_length(void *context, struct str text)
{
    struct str *last = context;
    *last = text;
    return true;
}

static void items_in_place_have_any_length(void **state)
{
    (void)state;
    struct json_items reader;
    struct str last = STR_NULL;
    struct buf text = buf_in(&arena, 1024 * 1024);
    buf_add_cstr(&text, "{\"a\":[1 ,{\"b\":\"");
    for (size_t i = 0; i < JSON_ITEMS_ITEM_MAX; i++)
        buf_add_char(&text, 'x');
    buf_add_cstr(&text, "\"} ],\"c\":2}");
    rest = buf_in(&arena, 64);
    json_items_init(&reader, "/a", &arena, &rest);
    reader.in_place = true;
    reader.item = keep_length;
    reader.context = &last;
    assert_true(json_items_push(&reader, buf_str(&text)));
    assert_string_equal(rest.data, "{\"a\":[0 ,0 ],\"c\":2}");
    assert_int_equal(last.len, JSON_ITEMS_ITEM_MAX + strlen("{\"b\":\"\"}"));
    assert_true(str_starts(last, STR("{\"b\":\"x")) && str_ends(last, STR("x\"}")));
    arena_done(&arena);
}

static void what_is_left_is_bounded(void **state)
{
    (void)state;
    struct json_items reader;
    size_t count = 0;
    rest = buf_in(&arena, 8);
    json_items_init(&reader, "/a", &arena, &rest);
    reader.item = keep;
    reader.context = &count;
    assert_false(json_items_push(&reader, STR("{\"b\":\"0123456789\"}")));
    assert_int_equal(reader.fault, JSON_ITEMS_TOO_LONG);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_and_the_rest),
        cmocka_unit_test(a_reader_can_stop),
        cmocka_unit_test(depth_and_length_are_bounded),
        cmocka_unit_test(items_in_place_have_any_length),
        cmocka_unit_test(what_is_left_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
