/* Placeholders in the strings of the sandbox's files: "{fresh}", "{jwt sub=… aud=… ttl_s=…}". */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "wire/value.h"

#include <stdbool.h>

struct template
{
    struct arena *arena;
    /* The value for what stands between the braces. False when there is no such placeholder;
     * STR_NULL when there is one, but nothing to put there. */
    bool (*lookup)(void *context, struct str name, struct arena *arena, struct str *ret_text);
    void *context;
    bool used;          /* out: a placeholder was seen */
    struct str unknown; /* out: the first one that lookup did not know */
};

/* A copy with every placeholder replaced. A member (or item) with a placeholder for which there is
 * nothing is left out. NULL when one is unknown. What follows a '{' is a placeholder only if it
 * begins with a lower-case letter, so JSON in a string stays as it is; "{{name" stands for "{name".
 */
struct value *template_expand(struct template *template, const struct value *value);
