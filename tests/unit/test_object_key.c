/* Keys of the objects that a run writes, for each prefix. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "flow/object_key.h"
#include "wire/json_value.h"

#include <string.h>

static struct arena arena;

static const struct value *properties(const char *json)
{
    struct value *value;
    struct buf text = buf_in(&arena, 4096);
    for (; *json; json++)
        buf_add_char(&text, (char)(*json == '`' ? '"' : *json));
    assert_true(json_parse(buf_str(&text), &arena, &value));
    return value;
}

static void assert_key(const char *s3, bool has_parts, const char *expected)
{
    const struct object_key_config config = {
        .flow = STR("accounts"),
        .run = STR("0199c0de-0000-7000-8000-000000000000"),
        .started_at_ms = 1772352723000, /* 2026-03-01T08:12:03Z */
        .schema_version = 2,
        .s3 = properties(s3),
        .has_parts = has_parts,
    };
    struct error error;
    struct str key;
    assert_true(object_key(&config, STR(""), 7, &arena, &key, &error));
    assert_int_equal(key.len, strlen(expected));
    assert_memory_equal(key.data, expected, key.len);
    assert_true(str_starts(key, object_key_prefix(&config, &arena)));
    assert_true(object_key_is_own(&config, key));
    uint64_t number = 99;
    assert_true(object_key_number(&config, key, &number));
    assert_int_equal(number, has_parts ? 7 : 0);
}

#define ID "0199c0de-0000-7000-8000-000000000000"
#define PREFIX(prefix) "{`s3OutputFormatConfig`:{`prefixConfig`:{" prefix "}}}"

/* Only the text that a number makes is a key of the run. */
static void other_keys_have_no_number(void **state)
{
    static const char *const keys[] = {
        "",
        "accounts/",
        "accounts/" ID,
        "accounts/" ID "-",
        "accounts/" ID "-7",
        "accounts/" ID "-000007",
        "accounts/" ID "-0000x",
        "accounts/" ID "-00007.old",
        "accounts/" ID "-00007/",
        "accounts/" ID "-100000",
        "accounts/" ID "-99999999999999999999999",
        "accounts/0199c0de-0000-7000-8000-000000000001-00007",
        "others/" ID "-00007",
        ID "-00007",
    };
    struct object_key_config config = {
        .flow = STR("accounts"), .run = STR(ID), .s3 = properties("{}"), .has_parts = true};
    uint64_t number;
    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        assert_false(object_key_number(&config, str_from(keys[i]), &number));
    assert_true(object_key_number(&config, STR("accounts/" ID "-99999"), &number));
    assert_int_equal(number, 99999);
    assert_false(object_key_number(&config, STR("accounts/a=1/b=2/" ID "-00007"), &number));
    config.has_folders = true;
    assert_false(object_key_number(&config, STR("accounts/archive/" ID "-00007"), &number));
    assert_false(object_key_number(&config, STR("accounts/a=1/b/" ID "-00007"), &number));
    assert_true(object_key_number(&config, STR("accounts/a=1/b=2/" ID "-00007"), &number));
    assert_int_equal(number, 7);
}

static void a_key_has_the_parts_that_are_asked_for(void **state)
{
    (void)state;
    assert_key("{}", false, "accounts/" ID);
    assert_key("{}", true, "accounts/" ID "-00007");
    assert_key("{`bucketPrefix`:`crm/in`}", false, "crm/in/accounts/" ID);
    assert_key(PREFIX("`prefixType`:`PATH`"), false, "accounts/" ID);
    assert_key(PREFIX("`prefixType`:`PATH`,`prefixFormat`:`YEAR`"), false, "accounts/2026/" ID);
    assert_key(PREFIX("`prefixType`:`PATH`,`prefixFormat`:`HOUR`"), false,
               "accounts/2026/03/01/08/" ID);
    assert_key(PREFIX("`prefixType`:`PATH`,`prefixFormat`:`MINUTE`"), false,
               "accounts/2026/03/01/08/12/" ID);
    assert_key(PREFIX("`prefixType`:`FILENAME`,`prefixFormat`:`DAY`"), false,
               "accounts/" ID "-2026-03-01T08:12:03");
    assert_key(PREFIX("`prefixType`:`PATH_AND_FILENAME`,`prefixFormat`:`DAY`"), true,
               "accounts/2026/03/01/" ID "-00007-2026-03-01T08:12:03");
    assert_key(PREFIX("`prefixType`:`PATH`,`prefixFormat`:`MONTH`,"
                      "`pathPrefixHierarchy`:[`EXECUTION_ID`,`SCHEMA_VERSION`]"),
               false, "accounts/schemaVersion_2/2026/03/" ID "/" ID);
}

static void a_key_has_the_folders_of_its_partition(void **state)
{
    const struct object_key_config config = {
        .flow = STR("accounts"), .run = STR(ID), .s3 = properties("{}"), .has_parts = true};
    struct error error;
    struct str key;
    (void)state;
    assert_true(object_key(&config, STR("Industry=Apparel/"), 12, &arena, &key, &error));
    assert_true(str_eq(key, STR("accounts/Industry=Apparel/" ID "-00012")));
    assert_true(object_key_is_own(&config, key));
    assert_false(object_key_is_own(&config, STR("accounts/0199c0de-0000-7000-8000-000000000001")));
    assert_false(object_key_is_own(&config, STR("contacts/" ID)));
}

static void a_run_has_so_many_objects(void **state)
{
    const struct object_key_config config = {
        .flow = STR("accounts"), .run = STR(ID), .s3 = properties("{}"), .has_parts = true};
    struct error error;
    struct str key;
    (void)state;
    assert_true(object_key(&config, STR(""), OBJECT_NUMBER_MAX - 1, &arena, &key, &error));
    assert_false(object_key(&config, STR(""), OBJECT_NUMBER_MAX, &arena, &key, &error));
    assert_string_equal(error.message, "A run writes at most 100000 objects.");
}

static void a_key_has_a_limit(void **state)
{
    struct value *s3 = value_structure(&arena);
    struct object_key_config config = {.flow = STR("f"), .run = STR(ID), .s3 = s3};
    char prefix[1100];
    struct error error;
    struct str key;
    (void)state;
    memset(prefix, 'p', sizeof(prefix));
    value_put_text(&arena, s3, "bucketPrefix", (struct str){prefix, 1024 - 39});
    assert_true(object_key(&config, STR(""), 0, &arena, &key, &error));
    assert_int_equal(key.len, 1024);
    s3 = value_structure(&arena);
    config.s3 = s3;
    value_put_text(&arena, s3, "bucketPrefix", (struct str){prefix, 1024 - 38});
    assert_false(object_key(&config, STR(""), 0, &arena, &key, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_the_parts_that_are_asked_for),
        cmocka_unit_test(other_keys_have_no_number),
        cmocka_unit_test(a_key_has_the_folders_of_its_partition),
        cmocka_unit_test(a_run_has_so_many_objects),
        cmocka_unit_test(a_key_has_a_limit),
    };
    int failed = cmocka_run_group_tests_name("object-key", tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
