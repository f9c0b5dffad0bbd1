/* Definitions of flows: one row each, by account, region and name. flow/flow.h makes the rows and
 * authenticates them. */
#pragma once

#include "store/core/store.h"
#include "store/profile_key.h"

/* And region: the real service's quota (AppFlow User Guide, "Quotas for Amazon AppFlow"). */
enum { FLOWS_PER_ACCOUNT_MAX = 1000 };

struct flow_key {
    struct str account;
    struct str region;
    struct str name;
};

struct flow_row {
    struct flow_key key;
    /* Grows with each change and never repeats for a name, as a profile's does. */
    int64_t version;
    int64_t created_at_ms;
    int64_t updated_at_ms;
    struct str status;              /* the API's FlowStatus */
    struct str trigger_type;        /* the API's TriggerType */
    struct str source_profile;      /* that the flow uses; STR_NULL: it needs none */
    struct str destination_profile; /* as well */
    struct str summary;             /* JSON: what a list shows beside the other columns */
    struct str definition;          /* JSON; STR_NULL in lists */
    struct str mac;                 /* as well */
};

_must_use_ bool flow_row_find(struct store_reader *reader, struct arena *arena, struct flow_key key,
                              struct flow_row *ret_row, bool *ret_found, struct error *error);
/* Of one account and region, behind the name of `after` (empty: from the start), in the order of
 * names, at most `limit`. ERR_THROTTLING when the arena has no room for them. */
_must_use_ bool flow_row_list(struct store_reader *reader, struct arena *arena,
                              struct flow_key after, size_t limit, struct flow_row **ret_rows,
                              size_t *ret_count, struct error *error);
/* Whole rows of all accounts behind the key `after` (empty texts: from the start), at most `limit`.
 */
_must_use_ bool flow_row_list_all(struct store_reader *reader, struct arena *arena,
                                  struct flow_key after, size_t limit, struct flow_row **ret_rows,
                                  size_t *ret_count, struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* ERR_CONFLICT when the name is taken, ERR_QUOTA past FLOWS_PER_ACCOUNT_MAX. ERR_NOT_FOUND when a
 * profile that the flow uses is gone. */
_must_use_ bool flow_row_insert(struct db *db, const struct flow_row *row, struct error *error);
/* Replaces all but the key and created_at_ms if the row is still at `expected_version`:
 * ERR_CONFLICT when it is not, ERR_NOT_FOUND when it, or a profile that it uses, is gone. */
_must_use_ bool flow_row_replace(struct db *db, const struct flow_row *row,
                                 int64_t expected_version, struct error *error);
/* Changes version, status and mac alone, if the row is still at `expected_version`; errors as
 * above, but for profiles. */
_must_use_ bool flow_row_set_status(struct db *db, const struct flow_row *row,
                                    int64_t expected_version, struct error *error);
/* Deletes the row and its tags. ERR_NOT_FOUND when there is none; without `force` ERR_CONFLICT when
 * a schedule or events may start it, in the API's words. */
_must_use_ bool flow_row_delete(struct db *db, struct flow_key key, bool force,
                                struct error *error);
/* Until the write is committed the flow is not deleted. ERR_NOT_FOUND when there is none. */
_must_use_ bool flow_row_hold(struct db *db, struct flow_key key, struct error *error);
/* For the write that deletes a profile: ERR_CONFLICT, in the API's words, when flows use it. */
_must_use_ bool flow_rows_check_unused(struct db *db, struct profile_key profile,
                                       struct error *error);
