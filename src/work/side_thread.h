/* A thread beside its owner's, which does one thing at a time while the owner does another. What is
 * handed over belongs to the side thread from begin until the owner has seen its end. It is started
 * at its first use. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct side_thread;

struct side_thread *side_thread_new(void);
/* Waits for what is under way. NULL: nothing. */
void side_thread_free(struct side_thread *side);

/* Nothing is under way. False: the system has no thread for it, and nothing was begun. */
bool side_thread_begin(struct side_thread *side, void (*work)(void *context), void *context);
/* Waits until what was begun has ended, at most so long; true also when nothing was begun. */
bool side_thread_wait(struct side_thread *side, int64_t most_ms);
