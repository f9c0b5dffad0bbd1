/* A question about entities on its way through the cache and over a connection: what the questions
 * of profiles (metadata.h) and of connectors without them (connector_metadata.h) share. */
#pragma once

#include "profile/metadata_cache.h"
#include "store/profile_key.h"

#include <stdbool.h>

struct connector;
struct vendor_connection;
struct vendor_gate;
struct verdict;

enum metadata_kind {
    METADATA_LIST,   /* of entities: metadata->list */
    METADATA_FIELDS, /* of one entity: metadata->fields */
};

struct metadata_question {
    struct profile_key key;
    struct str connector_type; /* that the caller takes it for; STR_NULL: any */
    enum metadata_kind kind;
    struct entity_query query;
    struct str request_id; /* for the log of a connector's function */
    /* Where the verdict of a call that failed goes, in the arena of the question; it stays as it is
     * when the vendor was not asked. NULL: not wanted. */
    struct verdict *verdict;
    /* That calls pass (connector/connection.h), whose caller also makes the waits that the vendor
     * asks for: such a call is not repeated. NULL: none. */
    const struct vendor_gate *gate;
};

/* Asks over a new connection, renews an access token that is refused as long as there is a grant,
 * and closes the connection. False: vendor_verdict says why not. Waits. */
bool metadata_call(const struct metadata_question *question, struct vendor_connection *connection,
                   struct metadata *metadata);

/* The error of a verdict that is not good. Always false. */
bool metadata_fail(const struct connector *connector, const struct verdict *verdict,
                   struct arena *arena, struct error *error);

/* What the keys in the cache begin with of the profile, or of the connector that stands for one. */
struct str metadata_prefix(struct arena *arena, const struct profile_key *key,
                           enum metadata_kind kind);

struct metadata_lookup {
    struct metadata_cache *cache;
    struct str account;
    struct str key; /* begins with metadata_prefix */
    struct str connector_type;
    int64_t deadline_ms; /* on clock_mono_ms() */
    /* For what is not in the cache; fills the arena of `metadata`. */
    bool (*get)(void *context, struct metadata *metadata, struct error *error);
    void *context;
};

/* From the cache, or got and put there; call metadata_release. Its memory counts as that of `arena`
 * until it is in the cache. NULL: the error is set. Waits. */
struct metadata *metadata_look_up(const struct metadata_lookup *lookup, const struct arena *arena,
                                  struct error *error);
