/* Time. Wall-clock time for what is shown or stored, monotonic time for limits. */
#pragma once

#include <stdint.h>

int64_t clock_wall_ms(void); /* milliseconds since the epoch */
int64_t clock_mono_ms(void); /* milliseconds since some fixed point */
int64_t clock_mono_us(void);
int64_t clock_mono_ns(void);

void clock_nap_us(int64_t duration_us); /* the whole of it, signals or not */

enum { CLOCK_TEXT_SIZE = 32 };
/* "2026-01-31T23:59:59Z", for people. */
void clock_text(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);
