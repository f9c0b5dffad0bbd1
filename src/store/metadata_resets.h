/* How often a profile's cached entities were reset (ResetConnectorMetadataCache), so that every
 * node that shares the store sees it: the counts are a part of what a cached answer is found by
 * (profile/metadata.h). A row is of use for as long as anything from before it may be cached, and
 * is deleted by a later reset of any profile when it is older than METADATA_RESET_KEPT_MS. */
#pragma once

#include "store/core/store.h"
#include "store/profile_key.h"

#define METADATA_RESET_KEPT_MS (48LL * 60 * 60 * 1000)

struct metadata_resets {
    int64_t names;   /* of lists of entities */
    int64_t details; /* of entities' fields */
};

/* All zeros for a profile that was not reset lately. */
_must_use_ bool metadata_resets_find(struct store_reader *reader, struct profile_key key,
                                     struct metadata_resets *ret_resets, struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Adds to both counts. ERR_NOT_FOUND when there is no such profile. */
_must_use_ bool metadata_resets_add(struct db *db, struct profile_key key,
                                    const struct metadata_resets *more, int64_t now_ms,
                                    struct error *error);
/* The same of what stands for a connector without profiles (profile/connector_metadata.h). */
_must_use_ bool metadata_resets_add_connector(struct db *db, struct profile_key key,
                                              const struct metadata_resets *more, int64_t now_ms,
                                              struct error *error);
