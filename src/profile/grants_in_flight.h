/* How many grants are being exchanged just now. One whose exchange is cut off is lost, so a stop
 * waits for them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct grants_in_flight;

struct grants_in_flight *grants_in_flight_new(void);
void grants_in_flight_free(struct grants_in_flight *grants); /* none may be under way */

void grants_in_flight_begin(struct grants_in_flight *grants);
void grants_in_flight_end(struct grants_in_flight *grants);

/* Waits until none is under way; false when some still are at until_ms, on clock_mono_ms(). */
bool grants_in_flight_wait(struct grants_in_flight *grants, int64_t until_ms);
