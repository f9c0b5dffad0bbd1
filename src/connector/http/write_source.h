/* How a declarative connector writes records: which call takes them, how many at once, what they
 * look like in it, and how the outcome of each is read from the answer.
 *
 * Templates can name, beside a profile's properties, the flow's ({destination.dataTransferApi}),
 * {entity.name}, {write.key}, which is the field that records are found by, and {write.ids}. */
#pragma once

#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
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

/* The outcomes in an answer: a list of results in the order of the records. */
struct write_results {
    const char *at;          /* JSON pointer to it; "": the answer is the list */
    struct entity_flag good; /* of a result: the record was written. Where nothing is at its `at`,
                              * the outcome is unknown */
    /* JSON pointers in a result. */
    const char *id;
    const char *code;
    const char *message;
    struct connector_texts again; /* codes: the vendor could not write this record at the moment */
    struct connector_texts gone;  /* codes: what was to be deleted is deleted already */
};

struct write_source {
    const char *of;      /* pattern of entities, as entity_list_source.within; NULL: all */
    unsigned operations; /* 1 << enum write_operation */
    const char *given;   /* applies when this is there, such as "destination.dataTransferApi"; */
    const char *equals;  /* and has this value. NULL: always; any */
    const char
        *refusal; /* the error of such a flow, of which no call is made; NULL: it is written */
    struct connector_call call;
    struct write_limits limits;
    enum write_form form;
    enum write_key key;
    const char *key_field;  /* of WRITE_KEY_OWN; letter case does not count */
    const char *key_member; /* what the key is called in a call; NULL: as in the record */
    const char *before;     /* templates: what stands around the list, */
    const char *after;
    const char *members;               /* and members that each object begins with; NULL: none */
    struct connector_texts no_members; /* names of those, which no record may have */
    struct write_results results;
};

struct connector_writes {
    const struct write_source *rows; /* the first that fits counts */
    size_t count;
    const char *name_marks; /* beside letters and digits, in names of entities and keys */
};

/* As connector_ops.write, for connectors with a description. */
bool http_write(struct vendor_connection *connection, const struct write_query *query,
                struct write_batch *batch);

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
