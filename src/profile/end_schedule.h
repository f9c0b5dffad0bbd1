/* When a vendor is asked when credentials end (profile/end_lookup.h): first a few minutes after
 * they were given, so that many at once are spread, then once a day, since an operator may move an
 * end at the vendor, and more often when the end is near. */
#pragma once

#include "base/error.h"
#include "store/profile_key.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

enum {
    END_LOOKUP_FIRST_MS = 5 * 60 * 1000,       /* after the credentials were given, and */
    END_LOOKUP_SPREAD_MS = 10 * 60 * 1000,     /* up to so much more, at random */
    END_LOOKUP_DAY_MS = 24 * 60 * 60 * 1000,   /* between two lookups, at most */
    END_LOOKUP_LEAST_MS = 15 * 60 * 1000,      /* the same, at least */
    END_LOOKUP_DAY_SPREAD_MS = 60 * 60 * 1000, /* up to so much less, at random */
    END_LOOKUP_LATE_MS = 60 * 60 * 1000,       /* a first lookup later than so much is put off */
    END_LOOKUP_FAILED_MS = 60 * 60 * 1000,     /* after a lookup without an answer */
};

/* Inside the write that gives a profile such credentials: the first one. A lookup that is under way
 * has lost its job. */
_must_use_ bool end_lookup_plan(struct db *db, struct profile_key key, struct error *error);

/* How long a first lookup is put off that many others may be due with, since no server ran or a
 * migration planned them all at once: a random time below END_LOOKUP_DAY_SPREAD_MS, at least 1; 0:
 * it is done now. `attempts`: of the job. */
int64_t end_lookup_put_off_ms(int64_t now_ms, int64_t due_at_ms, int64_t attempts);

/* How long until the next one after an answer. `end_ms` 0: there is no end. Both wall clock. */
int64_t end_lookup_wait_ms(int64_t now_ms, int64_t end_ms);
