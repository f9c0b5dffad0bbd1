/* How many changes one account has in hand, so that none takes every worker from the others. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct account_limit;

/* At most `most` changes of an account at once; 0: any number. */
struct account_limit *account_limit_new(long most);
void account_limit_free(struct account_limit *limit); /* when all have left */

/* Each that was let in leaves once. Any thread. */
bool account_limit_enter(struct account_limit *limit, struct str account);
void account_limit_leave(struct account_limit *limit, struct str account);
