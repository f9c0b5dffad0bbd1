/* Taking secrets out of what a vendor says: a vendor may repeat what was sent to it, in an encoding
 * of its own choice, and its message goes into errors, logs and the audit.
 *
 * Secrets and text are compared in a normal form (normal_form.h), as they are, in base64 at each of
 * the three offsets, and in hex. A piece of a secret counts as well when it is long enough to tell
 * something: a vendor may cut what it repeats. Last, what looks like a secret although it is not
 * known (secret_shape.h) goes, unless the profile's properties contain it.
 *
 * Time is linear in the text and the secrets; what the search needs of memory is a multiple of the
 * text, and wiped. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "wire/value.h"

#include <stdbool.h>

enum {
    REDACT_LEN_MIN = 4,          /* bytes; shorter ones would redact ordinary text */
    REDACT_TEXT_MAX = 16 * 1024, /* bytes of a text */
};

struct redact_secret {
    struct str text;
    bool whole; /* its pieces are no secrets */
};

struct redaction {
    struct arena *arena;
    const struct value *properties; /* the request's own, which are no secrets; NULL: none */
    bool only_known;                /* what merely looks like a secret stays */
    struct redact_secret *secrets;
    size_t count;
    size_t capacity;
};

void redact_add(struct redaction *redaction, struct str secret);

/* What must not come back as a whole, but consists of known secrets and ordinary words, such as a
 * body; or identifies without being secret, such as a user's name. */
void redact_add_whole(struct redaction *redaction, struct str text);

/* Every string within, save those whose shape is an enum. NULL is fine. */
void redact_add_value(struct redaction *redaction, const struct value *value);

/* The text with "[removed]" where secrets were, in the redaction's arena. A text longer than
 * REDACT_TEXT_MAX becomes "[removed]". */
struct str redact(const struct redaction *redaction, struct str text);
