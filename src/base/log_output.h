/* Lines to standard error. When the reader falls behind, the first thread that notices waits for
 * LOG_WAIT_MS, and from then on lines are lost until there is room again: a blocked log must not
 * block the server. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOG_WAIT_MS = 1000 };

/* Writes whole lines, or loses them and counts them (log_lines_lost). True when this is the
 * first one after others were lost. Any thread. */
bool log_output(struct str line);

int64_t log_lines_lost(void); /* since the start */
