/* Audit rows as text for people and as JSON for programs. */
#pragma once

#include "store/audit.h"

#include <stdbool.h>

struct audit_print {
    bool as_json;
    bool with_account; /* in text; JSON always has it */
};

/* On standard output. Text: a line, and the reason of a failure on the next one. JSON: a line. */
void audit_print_row(const struct audit_print *print, const struct audit_row *row);
