/* An arena for all that a test makes, and JSON and texts in it. */
#pragma once

#include "cmocka_all.h"

#include "base/arena.h"
#include "wire/json_value.h"

static struct arena arena;

static inline struct value *json(const char *text)
{
    struct value *value = NULL;
    assert_true(json_parse(str_from(text), &arena, &value));
    return value;
}

static inline void assert_text(struct str text, const char *expected)
{
    assert_non_null(text.data);
    assert_string_equal(arena_cstr(&arena, text), expected);
}

static inline int free_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}
