/* When profiles' credentials end, as their vendors said when asked (profile/end_lookup.h):
 * columns of the profiles table, which stored_credentials.h reads. Each profile that can be asked
 * about has a job of the kind CREDENTIAL_END_JOB and of the same key, which asks again from time to
 * time; store/profiles.h removes it with the profile. */
#pragma once

#include "store/core/store.h"
#include "store/credential_end_job.h"
#include "store/profile_key.h"

enum { ASKED_WORDS_MAX = 2048 }; /* bytes; longer ones are cut */

struct profile_asked {
    int64_t version; /* of the credentials that it was about; 0: it was not asked */
    int64_t at_ms;   /* when it was last asked, wall clock */
    int64_t end_ms;  /* wall clock; 0: with `words`: not known, else it has no end */
    /* Why it did not say when it was last asked: `end_ms` is from before then; STR_NULL: it did. */
    struct str words;
};

/* --- inside a write (store_apply_fn) --- */

/* Nothing where the profile has other credentials than those of asked->version, or is gone. */
_must_use_ bool profile_asked_put(struct db *db, struct profile_key key,
                                  const struct profile_asked *asked, struct error *error);
