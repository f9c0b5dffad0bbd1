/* How many changes one account has in hand, so that none takes every worker from the others. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct concurrency_limit;

/* At most `most` changes of an account at once; 0: any number. */
struct concurrency_limit *concurrency_limit_new(long most);
void concurrency_limit_free(struct concurrency_limit *limit); /* when all have left */

/* Each that was let in leaves once. Any thread. */
bool concurrency_limit_enter(struct concurrency_limit *limit, struct str account);
void concurrency_limit_leave(struct concurrency_limit *limit, struct str account);
