/* What a flow asks its vendor for: filters that are the vendor's alone, and what is kept of a
 * description. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "flow/program.h"
#include "flow/vendor_query.h"
#include "wire/json_value.h"

#include <string.h>

enum { FIELDS = 500 };

static const struct value *parse(const char *json, struct arena *arena)
{
    struct value *value;
    assert_true(json_parse(str_from(json), arena, &value));
    return value;
}

/* The flow's own tasks: whether the program takes them, and what it says if not. */
static bool make(const char *values, struct error *error)
{
    struct arena arena = {0};
    struct flow_program *program = NULL;
    const char *tasks = arena_printf(&arena,
                                     "[{\"taskType\":\"Filter\",\"sourceFields\":[\"text\"],"
                                     "\"connectorOperator\":{\"Dynatrace\":\"EQUAL_TO\"},"
                                     "\"taskProperties\":{\"DATA_TYPE\":\"string\","
                                     "\"VALUES\":\"%s\"}},"
                                     "{\"taskType\":\"Map_all\",\"sourceFields\":[]}]",
                                     values)
                            .data;
    const char *config = "{\"connectorType\":\"Dynatrace\",\"sourceConnectorProperties\":"
                         "{\"Dynatrace\":{\"object\":\"problem\"}}}";
    const struct flow_definition definition = {
        .source = {.config = parse(config, &arena),
                   .properties = "sourceConnectorProperties",
                   .type = STR("Dynatrace"),
                   .connector = connector_by_type(STR("Dynatrace"))},
        .tasks = parse(tasks, &arena),
    };
    bool made = flow_program_new(vendor_query_own_tasks(&definition, &arena), STR("Dynatrace"),
                                 &program, error);
    flow_program_free(program);
    arena_done(&arena);
    return made;
}

static void a_filter_of_the_vendor_that_cannot_be_read_is_refused(void **state)
{
    struct error error;
    (void)state;
    assert_true(make("[\\\"a\\\",\\\"b\\\"]", &error));
    assert_false(make("[\\\"a\\\",", &error));
    assert_non_null(strstr(error.message, "VALUES of the filter of the field text must be values"));
}

/* A vendor's list of fields, each with a long text beside what is of use. */
static struct str fields_of(struct arena *arena)
{
    struct buf text = buf_on_heap(FIELDS * 2048);
    for (int i = 0; i < FIELDS; i++) {
        buf_printf(&text,
                   "%s{\"identifier\":\"f%d\",\"sourceProperties\":{\"isRetrievable\":%s,"
                   "\"isQueryable\":true},\"supportedFieldTypeDetails\":{\"v1\":{"
                   "\"fieldType\":\"string\"}},\"description\":\"",
                   i == 0 ? "[" : ",", i, i % 2 ? "true" : "false");
        for (int k = 0; k < 100; k++)
            buf_add_cstr(&text, "0123456789");
        buf_add_cstr(&text, "\"}");
    }
    buf_add_char(&text, ']');
    struct str fields = arena_copy(arena, buf_str(&text));
    buf_done(&text);
    return fields;
}

static void what_is_kept_of_a_description_is_short(void **state)
{
    const struct str names[] = {STR("f1"), STR("other")};
    const struct read_filter filters[] = {{.field = STR("f0")}, {.field = STR("other")}};
    struct read_query query = {.entity = STR("Account"),
                               .fields = names,
                               .field_count = 2,
                               .filters = filters,
                               .filter_count = 2};
    struct arena texts = {0}, kept = {0}, memory = {0};
    const struct vendor_description *named, *all;
    struct error error;
    struct str fields = fields_of(&texts);
    (void)state;
    assert_true(vendor_query_describe(&query, fields, false, false, &kept, &named, &error));
    assert_true(kept.used < 1024);
    assert_true(vendor_query_describe(&query, fields, true, false, &kept, &all, &error));
    assert_true(kept.used < FIELDS * 100);
    memset((char *)fields.data, 'x', fields.len); /* nothing refers to it */
    vendor_query_use(&query, named, &memory);
    assert_true(str_eq(query.filters[0].described, STR("string")));
    assert_null(query.filters[1].described.data);
    assert_true(str_eq(query.described[0], STR("string")));
    assert_int_equal(query.described[1].len, 0);
    assert_null(query.types);
    vendor_query_use(&query, all, &memory);
    assert_int_equal(query.field_count, FIELDS / 2);
    assert_true(str_eq(query.fields[1], STR("f3")));
    assert_true(str_eq(query.types[1], STR("string")));
    arena_done(&memory);
    arena_done(&kept);
    arena_done(&texts);
}

static void a_description_without_fields_names_none(void **state)
{
    const struct read_query query = {.entity = STR("Account")};
    const struct vendor_description *description;
    struct arena kept = {0};
    struct error error;
    (void)state;
    assert_true(
        vendor_query_describe(&query, STR("[]"), false, false, &kept, &description, &error));
    assert_false(
        vendor_query_describe(&query, STR("[]"), true, false, &kept, &description, &error));
    assert_string_equal(error.message, "Account has no field that can be read.");
    assert_null(description);
    arena_done(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_of_the_vendor_that_cannot_be_read_is_refused),
        cmocka_unit_test(what_is_kept_of_a_description_is_short),
        cmocka_unit_test(a_description_without_fields_names_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
