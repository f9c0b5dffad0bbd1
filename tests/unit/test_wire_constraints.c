/* Runs the cases that tools/gen_constraint_tests.py makes of the API's model: both sides of every
 * constraint of every operation's input, by the whole answer. */
#include "cmocka_all.h"

#include "wire/errors.h"
#include "wire/restjson.h"
#include "wire/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIELDS_MAX = 7,
    FILE_MAX = 64 * 1024 * 1024,
    ENCODED_MAX = 256 * 1024,
    FIELD_END = '\x1f',
    RECORD_END = '\x1e',
};

static const char *cases_path;

static const struct {
    struct str name;
    int code;
} OUTCOMES[] = {
    {STR("accept"), ERR_NONE},
    {STR("refuse"), ERR_VALIDATION},
    {STR("mistyped"), ERR_SERIALIZATION},
    {STR("unknown"), ERR_UNKNOWN_OPERATION},
};
enum { OUTCOME_COUNT = sizeof(OUTCOMES) / sizeof(*OUTCOMES) };

struct tally {
    size_t outcomes[OUTCOME_COUNT];
    size_t unreachable;
    size_t failed;
    bool ended;
};

/* Heap memory, the caller's. */
static char *file_read(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *data = malloc(FILE_MAX);
    assert_non_null(data);
    *ret_size = fread(data, 1, FILE_MAX, file);
    assert_true(*ret_size > 0 && *ret_size < FILE_MAX);
    fclose(file);
    return data;
}

/* What a case's request comes to: its input as the server writes it, or the error's message. */
static int answer(const struct str *fields, struct arena *arena, struct str *ret_text)
{
    const struct api_operation *operation = route_find(fields[1], fields[2]);
    struct value *input;
    struct error *error = arena_new(arena, struct error);
    struct buf out = buf_in(arena, ENCODED_MAX);
    if (operation && route_decode_input(operation, fields[2], fields[6], arena, &input, error)) {
        assert_true(str_eq(operation->name, fields[0]));
        value_encode(&out, input);
        *ret_text = buf_str(&out);
        return ERR_NONE;
    }
    if (!operation)
        fail(error, ERR_UNKNOWN_OPERATION, "There is no operation with this method and path.");
    *ret_text = str_from(error->message);
    return error->code;
}

static void run_case(const struct str *fields, struct tally *tally)
{
    struct arena arena = {0};
    struct str text = STR_NULL;
    size_t outcome = 0;
    while (outcome < OUTCOME_COUNT && !str_eq(OUTCOMES[outcome].name, fields[4]))
        outcome++;
    assert_true(outcome < OUTCOME_COUNT);
    tally->outcomes[outcome]++;
    int code = answer(fields, &arena, &text);
    if (code != OUTCOMES[outcome].code || !str_eq(text, fields[5])) {
        print_error("%.*s: %.*s\n  wanted: %.300s\n  got:    %.300s\n", STR_ARG(fields[0]),
                    STR_ARG(fields[3]), arena_cstr(&arena, fields[5]), arena_cstr(&arena, text));
        tally->failed++;
    }
    arena_done(&arena);
}

static void run_end(const struct str *fields, struct tally *tally)
{
    unsigned long long records = 0, constraints = 0;
    assert_true(str_to_u64(fields[1], FILE_MAX, &records));
    assert_true(str_to_u64(fields[2], FILE_MAX, &constraints));
    size_t seen = tally->unreachable;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        seen += tally->outcomes[i];
    assert_int_equal(seen, records);
    assert_true(constraints > 1000);
    tally->ended = true;
    print_message("%llu constraints in all operations: %zu cases accepted, %zu refused, %zu of a "
                  "wrong type, %zu without a route; %zu bounds cannot be reached\n",
                  constraints, tally->outcomes[0], tally->outcomes[1], tally->outcomes[2],
                  tally->outcomes[3], tally->unreachable);
}

static void run_record(struct str record, struct tally *tally)
{
    struct str fields[FIELDS_MAX];
    size_t count = 0;
    struct str rest = record;
    assert_false(tally->ended);
    while (count < FIELDS_MAX && str_cut(rest, FIELD_END, &fields[count], &rest))
        count++;
    assert_int_equal(rest.len, 0);
    if (count == FIELDS_MAX) {
        run_case(fields, tally);
        return;
    }
    assert_int_equal(count, 3);
    if (str_eq(fields[0], STR("end"))) {
        run_end(fields, tally);
        return;
    }
    assert_true(str_eq(fields[0], STR("unreachable")));
    print_message("not reachable: %.*s: %.*s\n", STR_ARG(fields[1]), STR_ARG(fields[2]));
    tally->unreachable++;
}

static void both_sides_of_every_constraint(void **state)
{
    (void)state;
    struct tally tally = {0};
    size_t size = 0;
    char *all = file_read(cases_path, &size);
    struct str record, rest = {all, size};
    while (str_cut(rest, RECORD_END, &record, &rest))
        run_record(record, &tally);
    assert_int_equal(rest.len, 0);
    assert_true(tally.ended);
    assert_int_equal(tally.failed, 0);
    free(all);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CASES\n", argv[0]);
        return 2;
    }
    cases_path = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_sides_of_every_constraint)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
