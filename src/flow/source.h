/* Where a run's records come from: pages of bytes in order, and the decoder that reads them. A page
 * is what the source gives at once: an object of a bucket, or an answer of a vendor. The engine
 * (engine.h) knows no more of a source than this:
 *
 *     flow_source_open
 *     do {
 *         read    the page's bytes ─▶ sink ─▶ decoder ─▶ batches
 *         next    on to the page behind it
 *         cursor  what a later try needs to continue from here, kept when a checkpoint is committed
 *     } while (more);
 *
 * One thread at a time uses a source. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "record/decoder.h"

#include <stdbool.h>
#include <stdint.h>

struct flow_engine_run;
struct flow_program;

enum { FLOW_CURSOR_MAX = 8 * 1024 }; /* bytes */

struct flow_sink {
    bool (*push)(void *context, struct str bytes); /* false: stop; the caller knows why */
    void *context;
};

struct flow_source {
    const struct flow_source_ops *ops;
    struct record_decoder *decoder; /* one for the whole run; the source's own */
    /* The page at hand is none: it has only brought the source further; and how long the source is
     * to be left alone before the next one is read, by another try of the run. */
    bool is_step;
    int64_t pause_ms;
};

/* The first member of each source's own struct is a flow_source. */
struct flow_source_ops {
    /* Gives the sink the bytes of the page at hand, from its first to its last, and nothing when
     * there is none: a later try may find less than an earlier one left. Waits. After a failure it
     * may be called again for the same page only if the sink was given nothing.
     * - ERR_UNAVAILABLE: another try of the run may succeed, from its last checkpoint.
     * - any other: the run ends; the message says what failed. Not set when the sink stopped it. */
    bool (*read)(struct flow_source *source, const struct flow_sink *sink, struct error *error);
    /* The page at hand was decoded, and had so many records, those with an error included: moves to
     * the next one. *ret_more false: it was the last. Waits. Errors as `read`. */
    bool (*next)(struct flow_source *source, uint64_t records, bool *ret_more, struct error *error);
    /* "Everything before this was delivered": UTF-8, at most FLOW_CURSOR_MAX bytes, in the arena.
     * Between `next` and `read`. */
    struct str (*cursor)(const struct flow_source *source, struct arena *arena);
    /* The page at hand as messages name it: "s3://BUCKET/KEY". In the arena. */
    struct str (*page_name)(const struct flow_source *source, struct arena *arena);
    void (*free)(struct flow_source *source);
};

struct flow_source_request {
    struct flow_engine_run *run; /* outlives the source */
    const struct flow_program
        *program;        /* flow_program_reads: which fields are needed; outlives it */
    struct str cursor;   /* of the run's checkpoint; STR_NULL: from the first page */
    struct arena *arena; /* of the try; outlives the source */
};
