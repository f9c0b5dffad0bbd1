/* The hard end of a stop: stopping waits for threads, and one that does not return (in a library's
 * call, or waiting for a database that is silent) must not keep the process alive. */
#pragma once

#include <stdint.h>

/* Ends the process with EXIT_FAILED, and a message in the log, unless stop_guard_end is called
 * within `limit_ms`. Once at a time. Nothing that was acknowledged is lost: it is on disk. */
void stop_guard_begin(int64_t limit_ms);
void stop_guard_end(void);
