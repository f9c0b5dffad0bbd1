/* How far a run has come: where its source stands, what was written, and what was left out and why.
 * It is the run's checkpoint while the run is in progress, and its manifest, together with the rows
 * of its objects (store/flow_runs.h), once it has ended. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "flow/program.h"
#include "flow/run_columns.h"
#include "store/flow_run_objects.h"

enum {
    FLOW_SAMPLES_MAX = 20,             /* records left out that are named one by one */
    FLOW_PROGRESS_MAX = 256 * 1024,    /* bytes of its text */
    FLOW_SAMPLE_NAME_MAX = 1024 + 256, /* bytes of a page's name that a sample keeps */
};

/* Why records of the source were not written, in the order of the text's members. */
enum flow_left_out {
    LEFT_UNREADABLE, /* not in the format of the source */
    LEFT_FILTERED,
    LEFT_INVALID,      /* a Validate task with DropRecord, or a Map task's DESTINATION_DATA_TYPE */
    LEFT_NOT_A_NUMBER, /* an Arithmetic task, and the next two */
    LEFT_BY_ZERO,
    LEFT_TOO_LONG, /* or a Merge or Map task */
    LEFT_REFUSED,  /* by the destination */
    LEFT_UNKNOWN,  /* the destination's answer was lost: it may have taken them */
    LEFT_OUT_KINDS,
};

struct flow_sample {
    struct str page;   /* its name */
    uint64_t position; /* of the record in the page, from 0 */
    uint64_t line;     /* of its first byte, from 1; 0: there are no lines */
    struct str reason; /* a sentence without a full stop */
};

struct flow_progress {
    struct arena *arena;  /* of its samples */
    struct arena pending; /* of what the next checkpoint makes durable: cursor and new objects */
    struct str cursor;    /* STR_NULL: from the first page */
    struct str load;      /* how far staged objects are loaded (staged_destination.h): all records
                           * are read and staged; STR_NULL: not yet */
    bool has_begun;       /* what a try behind this checkpoint may have begun: uploads in parts,
                           * which a later try aborts, or an insertion of records */
    uint64_t pages;       /* that were read to their end */
    uint64_t objects;     /* that were written */
    uint64_t written;     /* records */
    uint64_t twice;       /* of these, records that an earlier try may have inserted as well */
    uint64_t left_out[LEFT_OUT_KINDS];
    struct run_columns columns; /* that the objects have, for a flow that is registered */
    struct flow_run_counts counts;
    struct flow_sample samples[FLOW_SAMPLES_MAX];
    size_t sample_count;
    /* Objects since the last checkpoint, whose rows are not in the store yet. */
    struct flow_run_object *new_objects;
    size_t new_object_count, new_object_room;
};

/* Counts a record that was left out, and keeps it as a sample while there is room. `page` and
 * `reason` are copied. */
void flow_progress_leave_out(struct flow_progress *progress, enum flow_left_out why,
                             struct str page, const struct record_place *place, struct str reason);
/* The members are copied; the number is the next one. */
void flow_progress_add_object(struct flow_progress *progress, const struct flow_run_object *object);
/* After a checkpoint was committed: forgets what it has made durable. */
void flow_progress_committed(struct flow_progress *progress);

/* Records that were not written although no filter and no Validate task left them out. */
uint64_t flow_progress_failures(const struct flow_progress *progress);

void flow_progress_done(struct flow_progress *progress);

/* JSON. `ended`: without what only a later try needs. In the arena. */
struct str flow_progress_text(const struct flow_progress *progress, bool ended,
                              struct arena *arena);
/* What flow_progress_text wrote; STR_NULL: a run that has just begun. Counts are not in it. False:
 * it is not one. Memory is the arena's, which becomes the progress's own. flow_progress_done is
 * called in any case. */
_must_use_ bool flow_progress_read(struct str text, struct arena *arena,
                                   struct flow_progress *ret_progress);
