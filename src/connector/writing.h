/* Writing records to a vendor: a batch of records in, an outcome for each of them out. A connector
 * makes as many calls of a batch as its vendor's limits ask for, one after the other, and never
 * makes a call again that may have inserted records: at most once for INSERT, as often as it helps
 * for the other operations, which find their records by an id and so change nothing the second
 * time. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stddef.h>

struct connector;

enum {
    WRITE_RECORDS_MAX = 1000,          /* of a batch */
    WRITE_BYTES_MAX = 4 * 1024 * 1024, /* of a batch's records together */
    /* What a connector may take for one call of a batch: its body, the answer, and the values in
     * it.
     */
    WRITE_CALL_BYTES = 12 * 1024 * 1024,
    WRITE_KEPT_CALL_BYTES = 9 * 1024 * 1024, /* …and where there is a write_keeper */
    WRITE_ID_MAX = 512,                      /* bytes of a record's id; a longer one is left out */
    WRITE_JOB_TIME_MS = 60 * 60 * 1000,      /* for a vendor's job; then its records are unknown */
};

/* The API's WriteOperationType. */
enum write_operation { WRITE_INSERT, WRITE_UPDATE, WRITE_UPSERT, WRITE_DELETE };

const char *write_operation_name(enum write_operation operation); /* "INSERT", … */
/* Of a name that the model allows; WRITE_INSERT, the API's default, for STR_NULL. */
enum write_operation write_operation_of(struct str name);
/* The same of a flow to this connector, whose flows may name no operation. */
enum write_operation connector_write_operation(const struct connector *connector, struct str name);

/* What a run writes. It is the same for all batches of a run. */
struct write_query {
    struct str entity;
    struct str api_version;         /* of the vendor's API, as the flow names it; STR_NULL: it does
                                     * not */
    const struct value *properties; /* the flow's member of DestinationConnectorProperties */
    enum write_operation operation;
    const struct str *id_fields; /* idFieldNames: what records are found by */
    size_t id_field_count;
};

enum write_end {
    WRITE_LEFT,    /* nothing was done with the record: it can be written */
    WRITE_DONE,    /* it was written */
    WRITE_REFUSED, /* by the vendor, or by its connector: this record cannot be written */
    WRITE_UNKNOWN, /* the vendor's answer was lost: it may have been written */
    WRITE_TAKEN,   /* a job of the vendor's has it, and its outcome comes with the job's results */
};

struct write_outcome {
    enum write_end end;
    struct str id;      /* of WRITE_DONE: the vendor's; STR_NULL: it gave none */
    struct str message; /* of WRITE_REFUSED: the vendor's words, without secrets, at most
                         * VERDICT_MESSAGE_MAX; never empty */
    unsigned faults;    /* of WRITE_LEFT: calls of this record alone that ended in an error of the
                         * vendor's own. For its connector, over the calls of a batch */
};

/* Is given what the vendor answers about a record that it has written: the text of a JSON value, as
 * it came. Called for each such record before the batch is given back; the text does not outlive
 * the call. False: it could not be kept, and no other record is to be written. */
struct write_keeper {
    bool (*keep)(void *context, size_t place, struct str text);
    void *context;
};

struct write_batch {
    const struct str *records;      /* each the text of one JSON object */
    struct write_outcome *outcomes; /* of each record; the batch's records are those that are
                                     * WRITE_LEFT, or WRITE_TAKEN by its job */
    size_t count;
    struct arena *arena; /* the caller's, for the outcomes' texts and the job's name */
    /* Of a batch that is new all zero. */
    struct str job;       /* the vendor's name of it; STR_NULL: there is none at the moment */
    int64_t job_until_ms; /* on clock_mono_ms(): by then the job must have ended */
    const struct write_keeper *keeper; /* NULL: the vendor's answers are not wanted */
    unsigned answers; /* good ones that calls of the batch got: by it the caller sees whether a
                       * call that failed has come further than the one before */
};

/* --- for implementations of connectors: writing.c --- */

/* What one call takes. */
struct write_limits {
    size_t records;
    size_t bytes; /* of the records' texts together */
};

/* The records of one call, by their places in the batch. */
struct write_part {
    size_t places[WRITE_RECORDS_MAX];
    size_t count;
    size_t bytes; /* of their texts */
    size_t next;  /* place in the batch where the next part begins */
};

/* The next records of a batch that are WRITE_LEFT, from part->next on, as far as one call takes
 * them. A record that is longer than a call takes becomes WRITE_REFUSED. False: there are none. */
bool write_part_next(struct write_batch *batch, const struct write_limits *limits,
                     struct write_part *part);

/* Leaves the second half of a part's records, of which there are at least two, to the next part. */
void write_part_halve(struct write_part *part);

/* The outcome of all records of a part that have none. */
void write_part_end(struct write_batch *batch, const struct write_part *part, enum write_end end);

/* The records of a batch that are WRITE_TAKEN. */
void write_part_taken(const struct write_batch *batch, struct write_part *ret_part);

/* Whether each record of the batch is WRITE_DONE or WRITE_REFUSED. */
bool write_batch_is_known(const struct write_batch *batch);

/* A record's outcome; `id` and `message` are copied. `message` is clean, and may be empty. */
void write_done(struct write_batch *batch, size_t place, struct str id);
void write_refused(struct write_batch *batch, size_t place, struct str message);
