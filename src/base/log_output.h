/* Lines to standard error. When the reader falls behind, the first thread that notices waits for
 * LOG_WAIT_MS, and from then on lines are lost until there is room again: a blocked log must not
 * block the server. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

enum { LOG_WAIT_MS = 1000 };

/* Writes whole lines, or loses them and counts them (METRIC_LOG_LINES_LOST). True when this is the
 * first one after others were lost. Any thread. */
bool log_output(struct str line);
