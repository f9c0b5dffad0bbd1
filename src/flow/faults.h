/* The faults of a definition, collected, so that one answer names all of them. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct flow_faults {
    struct buf text;
    size_t count;
    size_t shown; /* of these; the rest has no room in the message */
};

void flow_faults_init(struct flow_faults *faults, struct arena *arena);

/* One sentence that says what would be right. */
_printf_(2, 3) void flow_fault(struct flow_faults *faults, const char *format, ...);

/* Texts of callers in sentences: cut, so that one of them does not fill the message. */
enum { FLOW_TEXT_SHOWN_MAX = 80 };
struct str flow_shown(struct str text);

/* True when there is none. Else ERR_VALIDATION in the real service's form, whose beginning is
 * `opening`: "Create Flow request failed: [first, second]" (as seen in issues of clients). */
_must_use_ bool flow_faults_end(const struct flow_faults *faults, const char *opening,
                                struct error *error);
