/* Values of one kind as values of another: what a Map task asks for with DESTINATION_DATA_TYPE. A
 * value is converted exactly, or not at all: no digit of a number is lost, and nothing passes
 * through binary floating point. Which kinds become which, and how, is the table of
 * docs/flows.md#types; test_convert.c holds it and convert.c against each other. */
#pragma once

#include "base/arena.h"
#include "record/batch.h"

#include <stdbool.h>
#include <stdint.h>

/* What values are to become. All zeros: nothing else than they are. */
struct record_conversion {
    enum record_kind kind; /* RECORD_NULL: none is wanted */
    uint8_t precision;     /* RECORD_DECIMAL: digits in all; 0: any number of them */
    uint8_t scale;         /* RECORD_DECIMAL with a precision: digits after the point */
    bool rounds; /* RECORD_DECIMAL: what has more digits after the point is rounded half to even */
};

enum record_convert_end {
    RECORD_CONVERTED,
    RECORD_CONVERT_NO_WAY,  /* no value of its kind is one of that kind, such as a nested one */
    RECORD_CONVERT_NOT_ONE, /* this value is none, such as the text "x" for a number */
    RECORD_CONVERT_DIGITS,  /* a number, or a second, with more digits than that kind, or the
                             * precision, has */
};

/* Null, and an empty text for another kind than text, become null. An integer stays one where a
 * decimal is wanted: every writer takes it for one. Texts are the cell's own, or in the arena, and
 * *ret_cell, which may be the cell itself, is set only when the value was converted. */
enum record_convert_end record_convert(const struct record_cell *cell,
                                       const struct record_conversion *to, struct arena *arena,
                                       struct record_cell *ret_cell);

/* Whether some values of a kind can become values of another. */
bool record_converts(enum record_kind from, enum record_kind to);
