/* Errors are values on the caller's stack. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A UTF-8 character cut in half would make the whole answer invalid JSON. */
static void drop_partial_character(char *text)
{
    size_t len = strlen(text);
    size_t start = len;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t width = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (len - (start - 1) < width)
        text[start - 1] = '\0';
}

#undef fail
bool fail(struct error *error, int code, const char *format, ...)
{
    if (!error)
        return false;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    error->code = code;
    if (len >= (int)sizeof(error->message))
        drop_partial_character(error->message);
    return false;
}

const struct error *error_keep(struct arena *arena, const struct error *error)
{
    struct error *kept = arena_new(arena, struct error);
    *kept = *error;
    return kept;
}
