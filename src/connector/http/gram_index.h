/* An index of every sequence of GRAM_LEN bytes in a text, so that all pieces that other texts have
 * in common with it are found in time linear in both. The hash function's multiplier is derived
 * from a key that the process draws at random, so a text cannot be made to collide. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { GRAM_LEN = 8 }; /* bytes */

struct gram_index {
    struct str text;
    uint32_t *buckets;    /* first position with one of the bucket's grams, plus one; 0: none */
    uint32_t *next_other; /* by position: the next with another gram of the bucket, plus one */
    uint32_t *next_same;  /* by position: the next with the same gram, plus one */
    unsigned shift;
    uint64_t factor;
};

/* `text` must stay. At most UINT32_MAX - 1 bytes. */
void gram_index_make(struct arena *arena, struct str text, struct gram_index *ret_index);

/* Whether the GRAM_LEN bytes at `gram` are somewhere in the text. */
bool gram_index_has(const struct gram_index *index, const char *gram);

/* Sets `mark` in `marks`, which has a byte for each of the text, wherever the GRAM_LEN bytes at
 * `gram` begin. */
void gram_index_mark(const struct gram_index *index, const char *gram, unsigned char mark,
                     unsigned char *marks);
