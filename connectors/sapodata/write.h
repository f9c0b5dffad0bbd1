/* Records written to an entity set: each by a call of its own, with the session's CSRF token.
 * INSERT is POST to the set; UPDATE is PATCH of the entity with this key; UPSERT is UPDATE, and
 * INSERT where there is no such entity. */
#pragma once

#include "connector/writing.h"
#include "connectors/sapodata/session.h"

/* As connector_ops.write. */
bool sapodata_write(struct vendor_connection *connection, const struct write_query *query,
                    struct write_batch *batch);

/* --- write_target.c: the set, as its service describes it --- */

struct sapodata_property {
    struct str name, type;
};

struct sapodata_target {
    struct str path; /* of the service */
    struct str set;
    bool is_v4;
    bool no_insert, no_update;
    struct sapodata_property *properties; /* sorted by name */
    size_t property_count;
    struct sapodata_property *keys; /* in the order of the description */
    size_t key_count;
    struct sapodata_session session;
    unsigned sessions; /* that the connection has had, with this one */
};

/* Reads the description of the entity set that the query names. False: the verdict says why it
 * cannot be written to so. In the config's arena. */
bool sapodata_target_read(struct vendor_connection *connection, const struct write_query *query,
                          struct sapodata_target *ret_target);

/* NULL: the description has none of this name. */
const struct sapodata_property *sapodata_property_find(const struct sapodata_target *target,
                                                       struct str name);

/* --- write_record.c: a record as calls have it --- */

/* Adds the record as an object; `is_update`: without its key, which the URL has. Members that the
 * description does not have, such as those that lead to other entities, are added as they are.
 * NULL, else why it cannot be written so: a part of it was added. */
const char *sapodata_record_add(const struct sapodata_target *target, struct str record,
                                bool is_update, struct buf *out);

/* Adds "('1000')" or "(A='1',B=2)", percent-encoded. NULL, else why the record has no key. */
const char *sapodata_record_key(const struct sapodata_target *target, struct str record,
                                struct arena *scratch, struct buf *out);
