/* Names of types, and what docs/flows.md says of kinds and names: its two tables are the code's. */
#include "arena_fixture.h"

#include "flow/data_type.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `path`: of this repository. */
static struct str read_file(const char *path)
{
    enum { SIZE_MAX_BYTES = 256 * 1024 };
    char name[4096], *text = arena_take(&arena, SIZE_MAX_BYTES);
    snprintf(name, sizeof(name), TEST_DATA "/../../../%s", path);
    FILE *file = fopen(name, "re");
    assert_non_null(file);
    size_t len = fread(text, 1, SIZE_MAX_BYTES, file);
    assert_true(len > 0 && len < SIZE_MAX_BYTES);
    assert_int_equal(fclose(file), 0);
    return (struct str){text, len};
}

/* The line that begins so. */
static struct str find_line(struct str text, const char *begin)
{
    struct str line;
    while (str_cut(text, '\n', &line, &text)) {
        if (str_starts(line, str_from(begin)))
            return line;
    }
    fail_msg("docs/flows.md has no line that begins with %s", begin);
    return STR_NULL;
}

/* "| a | b |": the next cell. */
static struct str next_cell(struct str *line)
{
    struct str cell;
    assert_true(str_cut(*line, '|', &cell, line));
    return str_trim(cell);
}

/* A "–" in the table of kinds is where there is no way, and nowhere else. */
static void the_documented_table_is_the_one(void **state)
{
    (void)state;
    struct str docs = read_file("docs/flows.md"), line = find_line(docs, "| from, to |");
    (void)next_cell(&line);
    (void)next_cell(&line);
    for (int kind = RECORD_TEXT; kind < RECORD_KINDS; kind++)
        assert_true(str_eq(next_cell(&line), str_from(record_kind_name((enum record_kind)kind))));
    for (int from = RECORD_TEXT; from < RECORD_KINDS; from++) {
        char begin[32];
        snprintf(begin, sizeof(begin), "| **%s** |", record_kind_name((enum record_kind)from));
        line = find_line(docs, begin);
        (void)next_cell(&line);
        (void)next_cell(&line);
        for (int to = RECORD_TEXT; to < RECORD_KINDS; to++) {
            bool has_way = !str_eq(next_cell(&line), STR("–"));
            if (has_way != record_converts((enum record_kind)from, (enum record_kind)to))
                fail_msg("docs/flows.md, %s as %s", begin, record_kind_name((enum record_kind)to));
        }
    }
}

/* Each name of a type is in the row of its kind, and each name of the row is one. */
static void the_documented_names_are_the_ones(void **state)
{
    (void)state;
    struct str docs = read_file("docs/flows.md");
    struct str source = read_file("src/flow/data_type.c"), row;
    size_t documented = 0, count = 0;
    while (str_cut(source, '\n', &row, &source))
        count += str_starts(row, STR("    {\""));
    assert_true(count > 0);
    for (int kind = RECORD_TEXT; kind < RECORD_KINDS; kind++) {
        char begin[32];
        snprintf(begin, sizeof(begin), "| %s, of types named |",
                 record_kind_name((enum record_kind)kind));
        struct str line = find_line(docs, begin), name;
        line = (struct str){line.data + strlen(begin), line.len - strlen(begin)};
        struct str names = next_cell(&line);
        while (str_cut(names, '`', &name, &names) && str_cut(names, '`', &name, &names)) {
            if (data_type_of(name).kind != (enum record_kind)kind)
                fail_msg("docs/flows.md: %.*s is no %s", STR_ARG(name),
                         record_kind_name((enum record_kind)kind));
            documented++;
        }
    }
    assert_int_equal(documented, count);
    assert_int_equal(data_type_of(STR("DATETIME")).kind, RECORD_TIMESTAMP);
    assert_int_equal(data_type_of(STR("address")).kind, RECORD_NULL);
    assert_int_equal(data_type_of(STR_NULL).kind, RECORD_NULL);
}

/* How often a name of nested values is in quotes behind `words`. Each must be one. */
static size_t count_nested(struct str text, struct str words)
{
    static const struct str nested[] = {STR("object"), STR("array"), STR("list"), STR("struct"),
                                        STR("map")};
    size_t found = 0;
    for (size_t at = 0; at + words.len < text.len; at++) {
        struct str rest = {text.data + at, text.len - at}, type;
        if (!str_starts(rest, words))
            continue;
        rest = (struct str){rest.data + words.len, rest.len - words.len};
        assert_true(str_cut(rest, '"', &type, &rest));
        for (size_t i = 0; i < sizeof(nested) / sizeof(*nested); i++) {
            if (!str_eq_nocase(type, nested[i]))
                continue;
            if (data_type_of(type).kind != RECORD_NESTED)
                fail_msg("%.*s is not nested", STR_ARG(type));
            found++;
        }
    }
    return found;
}

/* As the schemas of vendors and S3's fields name them. */
static void objects_and_lists_of_connectors_are_nested(void **state)
{
    (void)state;
    glob_t schemas;
    size_t found = 0;
    assert_int_equal(glob(TEST_DATA "/../../../connectors/*/entities.json", 0, NULL, &schemas), 0);
    for (size_t i = 0; i < schemas.gl_pathc; i++) {
        const char *path = schemas.gl_pathv[i] + sizeof(TEST_DATA "/../../../") - 1;
        found += count_nested(read_file(path), STR("\"type\": \""));
    }
    globfree(&schemas);
    assert_true(found > 100);
    struct str fields = read_file("connectors/s3/fields.c");
    assert_int_equal(count_nested(fields, STR("[RECORD_NESTED] = {.type = \"")), 1);
    assert_int_equal(count_nested(fields, STR("is_list ? \"")), 1);
}

#define with_arena(test) cmocka_unit_test_teardown(test, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_arena(the_documented_table_is_the_one),
        with_arena(the_documented_names_are_the_ones),
        with_arena(objects_and_lists_of_connectors_are_nested),
    };
    return cmocka_run_group_tests_name("data-type", tests, NULL, NULL);
}
