/* Connectors that accounts have registered: one row each, by account, region and label. A row is
 * what the connector said of itself when it was registered; profile/registration.h reads and
 * authenticates it. */
#pragma once

#include "store/core/store.h"

enum { CONNECTORS_PER_ACCOUNT_MAX = 1000 }; /* and region */

struct connector_key {
    struct str account;
    struct str region;
    struct str label;
};

struct connector_row {
    struct connector_key key;
    /* Grows with each change and never repeats for a label, as a profile's does. */
    int64_t version;
    int64_t registered_at_ms;
    int64_t updated_at_ms;
    struct str function_arn;
    struct str description;   /* that it was registered with; STR_NULL: none */
    struct str summary;       /* JSON: what a list shows of the configuration */
    struct str configuration; /* JSON; STR_NULL in lists */
    struct str mac;           /* as well */
};

_must_use_ bool connector_row_find(struct store_reader *reader, struct arena *arena,
                                   struct connector_key key, struct connector_row *ret_row,
                                   bool *ret_found, struct error *error);
/* Of one account and region, behind the label of `after` (none: from the start), in the order of
 * labels, at most `limit`. */
_must_use_ bool connector_row_list(struct store_reader *reader, struct arena *arena,
                                   struct connector_key after, size_t limit,
                                   struct connector_row **ret_rows, size_t *ret_count,
                                   struct error *error);

/* Whole rows of all accounts behind the key `after` (empty texts: from the start), at most `limit`.
 */
_must_use_ bool connector_row_list_all(struct store_reader *reader, struct arena *arena,
                                       struct connector_key after, size_t limit,
                                       struct connector_row **ret_rows, size_t *ret_count,
                                       struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* ERR_CONFLICT when the label is taken, ERR_QUOTA past CONNECTORS_PER_ACCOUNT_MAX. */
_must_use_ bool connector_row_insert(struct db *db, const struct connector_row *row,
                                     struct error *error);
/* Replaces all but the key and registered_at_ms if the row is still at `expected_version`:
 * ERR_CONFLICT when it is not, ERR_NOT_FOUND when it is gone. */
_must_use_ bool connector_row_replace(struct db *db, const struct connector_row *row,
                                      int64_t expected_version, struct error *error);
/* Deletes the row and its tags. ERR_NOT_FOUND when there is none; without `force` ERR_CONFLICT when
 * a profile has the label. */
_must_use_ bool connector_row_delete(struct db *db, struct connector_key key, bool force,
                                     struct error *error);
/* For the write that adds a profile of this label: until it is committed the connector cannot be
 * unregistered. ERR_NOT_FOUND, in the API's words, when there is none. */
_must_use_ bool connector_row_hold(struct db *db, struct connector_key key, struct error *error);
