/* A profile's vendor as a run reads from it or writes to it: a connection with the credentials of
 * the flow's connector profile, and the repetition of what can be done again. A call that fails is
 * made again after a renewal of the access token, after what Retry-After says, or with growing
 * waits, until RUN_VENDOR_PATIENCE_MS have passed; each wait ends when the run is to end. Then what
 * stands in the way is the run's error, which names the profile.
 *
 * A wait for the vendor of VENDOR_HOLD_MS or more takes no thread: the try ends, and the next one
 * is due when the wait is over (run->pause_ms). A run that is not at a checkpoint makes one first
 * where the wait is worth it, or waits on its thread. */
#pragma once

#include "flow/definition.h"
#include "flow/engine_run.h"
#include "flow/vendor_gate.h"
#include "profile/vendor_access.h"
#include "work/memory_limit.h"

enum {
    RUN_VENDOR_PATIENCE_MS = 5 * 60 * 1000,         /* for a vendor that does not answer */
    RUN_VENDOR_RETRY_AFTER_MAX_MS = 60 * 60 * 1000, /* a longer one ends the run */
    RUN_VENDOR_PAUSE_MS = 1000,                     /* before the second try; then doubled */
    RUN_VENDOR_PAUSE_MAX_MS = 30 * 1000,
    RUN_VENDOR_SHOWN_MS = 2 * 1000,    /* a shorter wait is not shown in the run's record */
    RUN_VENDOR_SETTLE_MS = 60 * 1000,  /* before a longer one objects that are open end */
    RUN_VENDOR_CONNECTION_CALLS = 100, /* over one connection, whose memory grows with each */
};

/* What a run does with its vendor. */
struct run_vendor_use {
    const char *does;                                /* for messages: "reads" or "writes" */
    int64_t call_ms;                                 /* of one try */
    bool (*fits)(const struct connector *connector); /* whether it can be done with it */
    bool is_source;                                  /* of the flow; else its destination */
};

struct run_vendor {
    struct flow_engine_run *run;
    const struct run_vendor_use *use;
    struct profile_key profile;
    struct str type;   /* of the connector that the flow's definition names */
    struct str name;   /* with the label of a registered one; STR_NULL: not known yet */
    struct str entity; /* for messages */
    struct memory_reservation memory; /* of the next, which a side thread may use */
    struct arena session;             /* of `access` */
    struct vendor_access access;
    bool is_loaded; /* the access, and no connection of it has been closed */
    int calls_left; /* of the connection at hand */
    struct flow_vendor_kept *kept;
    bool has_moved; /* set by a call that failed, but has come further than the one before: the
                     * patience with the vendor begins anew */
    struct flow_vendor_gate gate;
};

/* Loads the profile of an end of the flow; waits, as below, for what its credentials refer to.
 * ERR_NOT_FOUND: it is gone; ERR_NOT_IMPLEMENTED: its connector does not fit; ERR_VALIDATION: it is
 * for another connector than the flow. run_vendor_done is called in any case. */
_must_use_ bool run_vendor_open(struct run_vendor *vendor, struct flow_engine_run *run,
                                const struct run_vendor_use *use, const struct flow_end *end,
                                struct str entity, struct error *error);
/* Stores tokens that were renewed. Also of a zeroed one. */
void run_vendor_done(struct run_vendor *vendor);

/* Something that is done over an open connection, in one try or more. False: vendor_verdict says
 * why not. */
typedef bool run_vendor_fn(void *context, struct vendor_connection *connection);

/* After a call that succeeded, its connection stays open until the next one. False: the run is to
 * end, or as the error says. ERR_UNAVAILABLE: another try of the run may succeed. */
_must_use_ bool run_vendor_do(struct run_vendor *vendor, run_vendor_fn *call, void *context,
                              struct error *error);

/* --- a call on a side thread --- */

/* The connection, with its session's memory, belongs to one call of another thread from lend until
 * take_back. There must be an open one. The call waits for the vendor's limits for a short time at
 * most; how it failed is handed to run_vendor_do by a function that fails at once. */
void run_vendor_lend(struct run_vendor *vendor);
void run_vendor_hurry(struct run_vendor *vendor);   /* while it is lent: such a wait ends, */
void run_vendor_abandon(struct run_vendor *vendor); /* …and so does a call that waits for its answer
                                                     */
void run_vendor_take_back(struct run_vendor *vendor);

/* Ends the connection: the next call has a new one. */
_must_use_ bool run_vendor_close(struct run_vendor *vendor, struct error *error);

/* Something that is asked of the vendor without the run's connection. False: *verdict, which was
 * zeroed, says what the vendor said, unless it was not asked. */
typedef bool run_vendor_question_fn(void *context, struct verdict *verdict, struct error *error);

/* The same repetition for it. */
_must_use_ bool run_vendor_ask(struct run_vendor *vendor, run_vendor_question_fn *ask,
                               void *context, struct error *error);

/* The error of a run that ends by this verdict; it names the profile. Always false. */
_must_use_ bool run_vendor_fail(const struct run_vendor *vendor, const struct verdict *verdict,
                                struct error *error);
/* Adds to an error what the run does, and which profile is to be mended. Always false. */
_must_use_ bool run_vendor_name_profile(const struct run_vendor *vendor, struct error *error);
