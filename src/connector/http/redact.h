/* Taking secrets out of what a vendor says: a vendor may repeat what was sent to it, as it was or
 * encoded, and its message goes into errors, logs and the audit. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "wire/value.h"

enum { REDACT_LEN_MIN = 4 }; /* bytes; shorter ones would redact ordinary text */

struct redaction {
    struct arena *arena;
    struct str *secrets;
    size_t count;
    size_t capacity;
};

void redact_add(struct redaction *redaction, struct str secret);
/* Every string within, save those whose shape is an enum. NULL is fine. */
void redact_add_value(struct redaction *redaction, const struct value *value);

/* Each secret in its plain, base64, base64url, percent and JSON form becomes "[removed]", longest
 * first, whatever its letter case. */
struct str redact(const struct redaction *redaction, struct str text);
