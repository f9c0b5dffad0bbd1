/* Loading objects into a table: how a database takes what a run has written to a bucket. The run
 * stages all of its records first; a connector then has the database copy them, in steps, each of
 * which ends with a state to continue from. The run keeps the state as its checkpoint, so
 * a load continues after the server was killed, and is made once. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vendor_connection;

enum {
    LOAD_OBJECTS_MAX = 1000, /* of one load without a manifest */
    LOAD_STATE_MAX = 256,    /* bytes */
};

/* One load. It is the same for all of its steps. */
struct load_query {
    struct str table; /* as the flow names it */
    struct str run;   /* executionId: the names of the run's objects, and of no others, have it */
    int part;         /* of the run's loads, from 0 */
    struct str bucket;
    const struct str *keys; /* of the objects, which have records as JSON lines */
    size_t count;
    /* Key of an object that lists all of them: {"entries": [{"url": …, "mandatory": true}]}.
     * STR_NULL: the connector has no use for one. */
    struct str manifest;
    /* The step may have been made before, and its end is not known. */
    bool is_again;
};

/* What is known of a load that has not ended well. */
enum load_known {
    LOAD_AS_BEFORE, /* the step has changed nothing about it */
    LOAD_NOT_MADE,  /* the database has none of the records */
    LOAD_UNKNOWN,   /* the database may have them, or may have them soon */
};

struct load_step {
    struct str state;      /* what to continue from, in `arena`; STR_NULL: all objects are loaded */
    int64_t pause_ms;      /* before the next step */
    enum load_known known; /* also of a step that failed */
    struct arena *arena;   /* the caller's */
};

struct load_ops {
    bool by_manifest; /* else in loads of LOAD_OBJECTS_MAX objects */
    /* Makes the step that follows `state`, which is STR_NULL at first, over an open connection. A
     * load is whole or not there at all. False: vendor_verdict says why; the same step can be made
     * again, and `is_again` then says so. Waits. */
    bool (*load)(struct vendor_connection *connection, const struct load_query *query,
                 struct str state, struct load_step *step);
    /* Asks the database to give up the load that a step has begun, whose state this is; it may have
     * made it already. NULL: it cannot be asked. False: vendor_verdict says why. Waits. */
    bool (*cancel)(struct vendor_connection *connection, struct str state);
};
