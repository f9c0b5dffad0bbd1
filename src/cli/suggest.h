/* "Did you mean …?": the known word that a mistyped one is closest to. */
#pragma once

#include "base/str.h"

struct suggestion {
    struct str word;  /* as it was typed */
    const char *best; /* the closest known word so far; NULL: none is close enough */
    size_t distance;  /* of `best`, in edits */
};

enum {
    SUGGESTION_EDITS_MAX = 2, /* more letters than these are another word, not a mistyped one */
    SUGGESTION_WORD_MAX = 64, /* bytes; longer words get no suggestion */
    SUGGESTION_TEXT_SIZE = 128,
};

/* Start with {.word = …}, then offer each known word, which must outlive the suggestion. */
void suggestion_offer(struct suggestion *suggestion, const char *known);

/* " Did you mean PREFIXword?", or "" when no known word is close. Returns `out`. */
const char *suggestion_text(const struct suggestion *suggestion, const char *prefix,
                            char out[SUGGESTION_TEXT_SIZE]);
