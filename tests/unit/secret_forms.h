/* The forms in which a vendor may repeat a secret: what a redaction is tested with. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct secret_form {
    const char *name;
    unsigned char steps[3]; /* encodings, one applied to the other's result; 0: no more */
    bool cut;               /* not all of the secret is there */
};

extern const struct secret_form secret_forms[];
extern const size_t secret_form_count;

/* The secret in the form, in the arena. */
struct str secret_in_form(struct arena *arena, struct str secret, const struct secret_form *form);
