/* A message has a limit: a sentence is in it whole or not at all, and the rest is counted. */
#include "flow/faults.h"

#include "base/encode.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    SENTENCE_MAX = 1024,
    TEXT_MAX = ERROR_MESSAGE_MAX - 100, /* bytes, without the opening and the count of the rest */
};

void flow_faults_init(struct flow_faults *faults, struct arena *arena)
{
    *faults = (struct flow_faults){.text = buf_in(arena, TEXT_MAX)};
}

void flow_fault(struct flow_faults *faults, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    struct str text = utf8_cut(str_from(sentence), SENTENCE_MAX - UTF8_WIDTH_MAX - 1);
    faults->count++;
    if (faults->text.len + text.len + 2 > TEXT_MAX)
        return;
    buf_add_cstr(&faults->text, faults->shown > 0 ? ", " : "");
    buf_add(&faults->text, text);
    faults->shown++;
}

struct str flow_shown(struct str text)
{
    return utf8_cut(text, FLOW_TEXT_SHOWN_MAX);
}

bool flow_faults_end(const struct flow_faults *faults, const char *opening, struct error *error)
{
    char rest[40] = "";
    if (faults->count == 0)
        return true;
    if (faults->shown < faults->count)
        snprintf(rest, sizeof(rest), ", and %zu more", faults->count - faults->shown);
    return fail(error, ERR_VALIDATION, "%s[%.*s%s]", opening, STR_ARG(buf_str(&faults->text)),
                rest);
}
