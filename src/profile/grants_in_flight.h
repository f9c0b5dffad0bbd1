/* How many codes are being exchanged just now. One whose exchange is cut off is lost, so a stop
 * waits for them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct codes;

struct codes *codes_new(void);
void codes_free(struct codes *codes); /* none may be under way */

void codes_begin(struct codes *codes);
void codes_end(struct codes *codes);

/* Waits until none is under way; false when some still are at until_ms, on clock_mono_ms(). */
bool codes_wait(struct codes *codes, int64_t until_ms);
