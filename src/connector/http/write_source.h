/* How a declarative connector writes records: which call takes them, how many at once, what they
 * look like in it, and how the outcome of each is read from the answer.
 *
 * Templates can name, beside a profile's properties, the flow's ({destination.dataTransferApi}),
 * {entity.name}, {write.key}, which is the field that records are found by, and {write.ids}. */
#pragma once

#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/response.h"
#include "connector/writing.h"

/* Where the records of a call go. */
enum write_form {
    WRITE_BODY, /* objects in a list, which is the body between `before` and `after` */
    WRITE_IDS,  /* their ids with commas: {write.ids} in the call's path */
};

/* What field records are found by. */
enum write_key {
    WRITE_KEY_NONE,
    WRITE_KEY_OWN,   /* `key_field`, whatever idFieldNames say: the vendor takes no other */
    WRITE_KEY_GIVEN, /* the one of idFieldNames */
};

enum { WRITE_UNFIT_MAX = 4, WRITE_BAD_MAX = 2 };

/* The outcomes in an answer: a list of results in the order of the records, or of their indexes. */
struct write_results {
    const char *at; /* JSON pointer to it; "": the answer is the list */
    bool is_lone;   /* there is one result, and no list: of a call that takes one record */
    int unfit[WRITE_UNFIT_MAX]; /* statuses by which the vendor refuses the record of such a call */
    struct entity_flag good; /* of a result: the record was written. Where nothing is at its `at`,
                              * the outcome is unknown */
    const char *fault;       /* JSON pointer in a result: the record was not written where something
                              * is there, whatever `good` says; NULL: `good` says it alone */
    struct entity_flag bad[WRITE_BAD_MAX]; /* …and where one of these holds */
    /* JSON pointers in a result. */
    const char *index; /* the record's place in the call, where a result has it; NULL: none has */
    const char *id;
    const char *code;
    const char *message;
    struct connector_texts again; /* codes: the vendor could not write this record at the moment */
    struct connector_texts gone;  /* codes: what was to be deleted is deleted already */
};

/* A vendor that takes the records of a call as a job: its answer names the job, which is asked for
 * until it has ended, and then has the results. Where asking fails, the records stay WRITE_TAKEN as
 * long as another try may tell more. */
struct write_job {
    struct connector_call call;    /* asks for it, with {write.job} in the path */
    const char *id;                /* JSON pointer to the job's name in the first answer, */
    const char *state;             /* …and to its state in those of `call` */
    struct connector_texts ended;  /* states in which it has results, */
    struct connector_texts failed; /* …and in which it has none */
    const char *message;           /* JSON pointer to why it failed; NULL: none */
};

/* Fields of a record that are one member of the vendor's: "user_fields.city" is "city" in
 * "user_fields". */
struct write_group {
    const char *prefix; /* of the fields' names; what follows it is letters, digits, - and _ */
    bool is_number;     /* …or digits alone */
    const char *member; /* the vendor's, */
    const char *open, *before, *between, *after, *close; /* …whose value is `open`, for each field
                                                          * `before`, the rest of its name,
                                                          * `between`, its value, `after`, with
                                                          * commas, and `close` */
};

struct write_source {
    const char *of;      /* pattern of entities, as entity_list_source.within; NULL: all */
    unsigned operations; /* 1 << enum write_operation */
    const char *given;   /* applies when this is there, such as "destination.dataTransferApi"; */
    const char *equals;  /* and has this value. NULL: always; any */
    const char
        *refusal; /* the error of such a flow, of which no call is made; NULL: it is written */
    struct connector_call call;
    const struct write_job *job; /* NULL: the answer of the call has the outcomes */
    struct write_limits limits;
    enum write_form form;
    enum write_key key;
    const char *key_field;       /* of WRITE_KEY_OWN; letter case does not count */
    struct connector_texts keys; /* of WRITE_KEY_GIVEN: the fields that it may be; none: any */
    const char *key_member;      /* what the key is called in a call; NULL: as in the record */
    const char *before;          /* templates: what stands around the list, */
    const char *after;
    const char *members;               /* and members that each object begins with; NULL: none */
    struct connector_texts no_members; /* names of those, which no record may have */
    const struct write_group *groups;
    size_t group_count;
    struct write_results results;
};

struct connector_writes {
    const struct write_source *rows; /* the first that fits counts */
    size_t count;
    const char *name_marks;       /* beside letters and digits, in names of entities and keys */
    enum write_operation unnamed; /* of flows that name none */
    /* Hook, for what rows cannot say: as connector_ops.write. NULL: rows. */
    bool (*write)(struct vendor_connection *connection, const struct write_query *query,
                  struct write_batch *batch);
};

/* As connector_ops.write, for connectors with a description. */
bool http_write(struct vendor_connection *connection, const struct write_query *query,
                struct write_batch *batch);

/* --- write_job.c --- */

/* Makes the job that `response` names the batch's. False, with the verdict set: it names none. */
bool write_job_begin(struct vendor_connection *connection, const struct write_job *job,
                     const struct vendor_response *response, struct write_batch *batch);

/* WRITE_JOB_ENDED: *response has the job's results. Else the verdict says what is in the way:
 * WRITE_JOB_LATER: the job may be asked for again, over another connection too; WRITE_JOB_LOST:
 * what became of its records is not known. */
enum write_job_end { WRITE_JOB_ENDED, WRITE_JOB_LATER, WRITE_JOB_LOST };

/* Waits for the batch's job to end, as long as the connection's caller has use for it. */
enum write_job_end write_job_await(struct vendor_connection *connection,
                                   const struct write_job *job, struct write_batch *batch,
                                   struct vendor_response *response);

/* --- write_body.c --- */

/* A record as it goes into a call. */
struct write_item {
    const struct write_source *source;
    struct str key;     /* name of the field that it is found by; STR_NULL: none */
    struct str members; /* what `members` fills to */
};

/* Adds the record as an object. NULL, else why it cannot be written so: a part of it was added. */
const char *write_item_add(const struct write_item *item, struct str record, struct buf *out);

/* The record's key, which must be letters and digits, for WRITE_IDS. NULL, else why it has none. */
const char *write_item_key(const struct write_item *item, struct str record, struct str *ret_key);
