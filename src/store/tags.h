/* Tags of what the API lets callers tag: registered connectors, and flows. One row for each tag. A
 * resource's tags are deleted in the write that deletes the resource. */
#pragma once

#include "store/core/store.h"

enum { TAGS_MAX = 50 }; /* of one resource: the API's TagMap */

struct tagged {
    struct str account;
    struct str region;
    struct str kind; /* as in its ARN: "connector", "flow" */
    struct str name; /* label or name */
};

struct tag {
    struct str key;
    struct str value;
};

/* In the order of keys; none for a resource that does not exist. Texts are copied into the arena.
 */
_must_use_ bool tags_list(struct store_reader *reader, struct arena *arena,
                          const struct tagged *tagged, struct tag **ret_tags, size_t *ret_count,
                          struct error *error);

struct named_tag {
    struct tag tag;
    struct str name; /* of its resource */
};

/* Of all resources of the kind of `tagged`, from its name up to `last_name`, bytewise: in the order
 * of names, then keys. ERR_THROTTLING when the arena has no room for them. */
_must_use_ bool tags_list_range(struct store_reader *reader, struct arena *arena,
                                const struct tagged *tagged, struct str last_name,
                                struct named_tag **ret_tags, size_t *ret_count,
                                struct error *error);

/* --- inside a write (store_apply_fn) that makes sure that the resource exists --- */

/* Adds tags, or replaces the values of those that are there. ERR_VALIDATION when the resource would
 * have more than TAGS_MAX; exact with concurrent writes too. */
_must_use_ bool tags_put(struct db *db, const struct tagged *tagged, const struct tag *tags,
                         size_t count, struct error *error);
/* Keys that the resource does not have are ignored. */
_must_use_ bool tags_remove(struct db *db, const struct tagged *tagged, const struct str *keys,
                            size_t count, struct error *error);
/* All of a resource that is deleted. */
_must_use_ bool tags_delete(struct db *db, const struct tagged *tagged, struct error *error);
