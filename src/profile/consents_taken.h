/* Which consents this process works on: those whose answer it took, for as long as the change that
 * follows may last. By the monotonic clock, so a step of the wall clock changes nothing. Calls come
 * from any thread. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct consents_taken;

struct consents_taken *consents_taken_new(void);
void consents_taken_free(struct consents_taken *taken);

/* `id`: of the consent's row. */
void consents_taken_add(struct consents_taken *taken, struct str id, int64_t life_ms);
/* Takes one addition back. */
void consents_taken_remove(struct consents_taken *taken, struct str id);
/* Whether it was added, and its time is not over. */
bool consents_taken_has(struct consents_taken *taken, struct str id);
