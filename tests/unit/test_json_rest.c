/* What stands around a page's records, before and after they are decoded. */
#include "cmocka_all.h"

#include "record/json_in.h"
#include "record/json_rest.h"

#include <string.h>

/* As the decoder says it. */
static struct str decoded_rest(struct record_decoder *decoder, struct str page)
{
    struct record_batch batch;
    struct error error;
    size_t used = 0;
    bool found;
    record_batch_init(&batch, 100);
    decoder->ops->start_page(decoder, 0);
    assert_true(decoder->ops->read(decoder, page, true, &batch, &used, &error));
    assert_int_equal(used, page.len);
    record_batch_done(&batch);
    struct str rest = json_in_rest(decoder, &found);
    assert_true(found);
    return rest;
}

static void is_guessed(const char *text, const char *path)
{
    const struct json_in_options options = {.path = path};
    struct record_decoder *decoder = json_in_new(&options);
    struct arena arena = {.kind = ARENA_PLAIN};
    struct str guessed, page = str_from(text), rest = decoded_rest(decoder, page);
    assert_true(json_rest_guess(page, path, &arena, &guessed));
    assert_int_equal(guessed.len, rest.len);
    assert_memory_equal(guessed.data, rest.data, rest.len);
    arena_done(&arena);
    decoder->ops->free(decoder);
}

static void what_stands_around_records_is_guessed(void **state)
{
    (void)state;
    is_guessed("{\"done\":false,\"next\":\"/a[1]\",\"records\":[{\"a\":[1]},{\"b\":\"]\"}]}",
               "/records");
    is_guessed("{\"d\":{\"results\":[{\"a\":1}],\"__next\":\"x\"}}", "/d/results");
    is_guessed("\xEF\xBB\xBF \n{ \"records\" : [ ] , \"next\" : null } \n", "/records");
    is_guessed("[{\"a\":1},{\"a\":[2]}]", "");
    is_guessed("{\"first\":[1,{\"records\":[]}],\"records\":[{\"a\":1}]}", "/records");
}

static void not_guessed(const char *text)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    struct str guessed;
    assert_false(json_rest_guess(str_from(text), "/records", &arena, &guessed));
    arena_done(&arena);
}

static void what_is_no_page_is_not_guessed(void **state)
{
    (void)state;
    not_guessed("");
    not_guessed("  ");
    not_guessed("{");
    not_guessed("]");
    not_guessed("{\"records\":{}}");
    not_guessed("{\"records\":[");
    not_guessed("{\"records\":[]");
    not_guessed("{\"records\":[],}");
    not_guessed("{\"records\":[]} x");
    not_guessed("{\"records\":[],\"meta\":{\"ids\":[1]},\"next\":\"x\"}"); /* within an object */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_around_records_is_guessed),
        cmocka_unit_test(what_is_no_page_is_not_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
