/* Text for people: as wide as their terminal, and without what would control it. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdio.h>

/* Columns of the terminal that standard output is; 0: it is none (a pipe, a file). */
int terminal_columns(void);

/* Columns that a text takes. */
int terminal_width(struct str text);

/* The text as it is printed: control characters, characters that change the order of others, and
 * bytes that are not UTF-8 become '?'. */
struct str terminal_text(struct arena *arena, struct str text);

/* Prints terminal_text of a text to a file. Where it has more than `columns` columns
 * (0: no limit) it is cut, and ends with an ellipsis. Returns the columns that it took. */
int terminal_print(FILE *file, struct str text, int columns);

/* Prints JSON without line breaks. What terminal_text replaces is written as an escape (RFC 8259,
 * 7): it can be nowhere but in strings, and their values stay what they are. Bytes that are not
 * UTF-8 become U+FFFD. */
void terminal_print_json(FILE *file, struct str json);

/* Prints "label  text" with the text wrapped at words behind the label, if standard output is a
 * terminal; else in one line. */
void terminal_print_wrapped(const char *label, struct str text);
