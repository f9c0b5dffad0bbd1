/* The normal form of a text: how a secret and a text that may repeat it are compared. A vendor
 * repeats what it was sent in the encoding of its own answer, often of several layers, so an
 * encoded secret is not looked for; both sides are decoded and folded until they look alike.
 *
 * Decoding undoes HTML entities (named, decimal, hexadecimal), JSON's and JavaScript's escapes and
 * percent escapes, in any nesting. Folding makes letters small, drops invisible characters, and
 * then either counts blanks (any run of them, and "+", is one blank) or keeps only ASCII letters
 * and digits. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes, and for each which bytes of the original text it came from. */
struct normal_text {
    char *bytes;
    uint32_t *starts; /* NULL: not asked for, as `ends` */
    uint32_t *ends;   /* exclusive */
    size_t len;
};

enum char_kind {
    CHAR_SEEN,
    CHAR_BLANK,     /* blanks of every width, line and paragraph separators, tab, line feed */
    CHAR_INVISIBLE, /* other controls, zero-width and direction marks, variation selectors, tags */
};

enum char_kind char_kind(uint32_t code);

enum normal_fold {
    FOLD_BLANKS, /* everything but invisible characters */
    FOLD_ALNUM,  /* ASCII letters and digits only */
};

/* Room for `size` bytes. `mapped`: with starts and ends. */
struct normal_text normal_text_new(struct arena *arena, size_t size, bool mapped);

/* The text as it is, with starts and ends. */
void normal_plain(struct arena *arena, struct str text, struct normal_text *ret_plain);

/* Decoded until no escape is left, in one pass: bytes are moved to the output one by one, and when
 * the output's end is a whole escape it is replaced by what it stands for, which may complete
 * another one. A decoded backslash is not paired with the backslash that begins the next escape.
 * Time is linear in the text, the output is never longer. False, and no output, when there is no
 * escape in it. */
bool normal_decode(struct arena *arena, struct str text, bool mapped,
                   struct normal_text *ret_decoded);

/* Appends the folded text to `out`, which must have room for all of `in`: it is never longer.
 * `out` has starts and ends only if `in` has. */
void normal_fold(const struct normal_text *in, enum normal_fold fold, struct normal_text *out);
