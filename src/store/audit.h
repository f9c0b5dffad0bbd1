/* The audit: a row for each attempted change, with caller, time and outcome; for a successful
 * change in its own transaction. Rows expire after AUDIT_LIFE_MS. They contain no credential. */
#pragma once

#include "store/core/store.h"

#define AUDIT_LIFE_MS (90LL * 24 * 60 * 60 * 1000)

struct audit_entry {
    int64_t at_ms;
    struct str request_id; /* STR_NULL when unknown, as below unless noted */
    struct str account;    /* always */
    struct str region;
    struct str access_key_id;
    struct str operation; /* always */
    struct str resource;  /* profile name */
    struct str outcome;   /* always; "ok" or the exception's name */
    struct str detail;    /* the message; no secret in it */
    int64_t version;      /* the profile's version that the change made; 0: none */
};

_must_use_ bool audit_add(struct db *db, const struct audit_entry *entry, struct error *error);
/* Rows of an account later than `after_ms`, oldest first, at most `limit`. */
_must_use_ bool audit_list(struct store_reader *reader, struct arena *arena, struct str account,
                           int64_t after_ms, size_t limit, struct audit_entry **ret_entries,
                           size_t *ret_count, struct error *error);
