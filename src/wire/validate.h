/* The model's constraints on a decoded value, and how violations are reported. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "wire/shape.h"
#include "wire/value.h"

/* Where a value is, from the inside out; lives on the walker's stack. */
struct path {
    const struct path *up; /* NULL at the top, which has no name */
    struct str name;       /* a member; STR_NULL for an element of a list or map */
    size_t number;         /* an element's, from 1; 0 for the values of a map */
};

/* A secret member whose value begins so is a reference (auth/reference.h): neither its length, up
 * to the limit of references, nor its pattern is that of the member. */
#define REFERENCE_BEGINNING "{{resolve:"
enum { REFERENCE_TEXT_MAX = 2048 }; /* bytes */

enum {
    PATH_SHOWN_MAX = 512,      /* bytes; the model's longest has a third of it */
    VIOLATIONS_SHOWN_MAX = 10, /* the rest is counted, not spelled out */
};

/* As AWS writes it: "tasks.1.member.sourceFields". Members start with a lower-case letter, since
 * AWS's names there are Java's, whatever was sent. */
void path_print(struct buf *out, const struct path *path);

/* Checks all constraints of the model and collects every violation. ERR_VALIDATION in AWS's form:
 *     2 validation errors detected: Value null at 'connectionMode' failed to satisfy constraint:
 *     Member must not be null; Value 'x' at 'maxResults' failed to satisfy constraint: …
 * As there, elements of a list and keys and values of a map are reported together, at the list or
 * map: Value '{a b=c}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint:
 * […] A secret value is left out: Value at 'password' failed … . Lengths count Unicode code points.
 * A string that is too long is not matched against its pattern too. */
_must_use_ bool validate(const struct shape *shape, const struct value *value, struct arena *arena,
                         struct error *error);
