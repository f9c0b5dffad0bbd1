/* How far a long command is: a bar that is drawn again and again on a terminal, else a line for
 * each tenth of what is not done in a moment. On standard error. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_bar {
    const char *what; /* "values sealed again" */
    size_t total;
    size_t done;
    int64_t begun_ms; /* clock_mono_ms */
    int64_t drawn_ms;
    size_t tenths; /* that have had a line */
    bool is_terminal;
};

void progress_begin(struct progress_bar *progress, const char *what, size_t total);
void progress_set(struct progress_bar *progress, size_t done);
void progress_end(struct progress_bar *progress); /* clears the bar */
