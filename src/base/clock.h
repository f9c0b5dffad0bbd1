/* Time. Wall-clock time for what is shown or stored, monotonic time for limits. */
#pragma once

#include <stdint.h>

int64_t clock_wall_ms(void); /* milliseconds since the epoch */
int64_t clock_mono_ms(void); /* milliseconds since some fixed point */
int64_t clock_mono_us(void);
