/* Answers have times as numbers, with or without a fraction. */
#include "cli/shown_time.h"

#include "base/clock.h"

enum { SECOND_TEXT = 19 /* of "2026-01-31T23:59:59Z" */ };

int64_t shown_time_ms(const struct value *structure, const char *name)
{
    const struct value *time = value_get(structure, name);
    if (!time)
        return 0;
    return time->kind == VALUE_DOUBLE ? (int64_t)(time->real * 1000 + 0.5)
                                      : value_integer(structure, name, 0) * 1000;
}

struct str shown_second(struct arena *arena, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (ms == 0)
        return STR("");
    clock_text(ms, text);
    text[10] = ' ';
    return arena_copy(arena, (struct str){text, SECOND_TEXT});
}
