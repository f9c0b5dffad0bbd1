/* Writes of the CRM's sObject Collections ("REST API Developer Guide", "sObject Collections"): what
 * a call asks for, record by record, and what is wrong with each. */
#pragma once

#include "sandbox/records/dialect.h"
#include "sandbox/records/value_lookup.h"
#include "sandbox/records/written.h"

enum collection_operation {
    COLLECTION_INSERT,
    COLLECTION_UPDATE,
    COLLECTION_UPSERT,
    COLLECTION_DELETE,
};

/* One record of a call. */
struct collection_item {
    const struct sample_entity *entity;
    size_t row;
    bool adds, deletes;
    const struct written_cell *cells;
    size_t count;
    /* Why it is refused: */
    const char *code; /* "REQUIRED_FIELD_MISSING"; NULL: it is not */
    struct str message;
    struct str field; /* that is at fault; STR_NULL: none */
};

struct collection {
    struct records_exchange *exchange;
    enum collection_operation operation;
    const struct sample_entity *entity;  /* of an upsert's path */
    const struct sample_field *external; /* …and the field that records are found by */
    bool all_or_none;
    struct collection_item *items;
    size_t count; /* of the items that are planned: one is planned after those before it */
    struct value_lookup lookup;
};

/* Answers a fault of the whole call. Always false. */
bool collection_refuse(struct records_exchange *exchange, int status, const char *code,
                       struct str message);
/* Keeps the changes of the items that are not refused; items that cannot be kept are refused. */
void collection_apply(struct collection *collection);

/* A record's text as the call has it. */
void collection_plan(struct collection *collection, struct str record);
/* An id of a deletion. */
void collection_plan_delete(struct collection *collection, struct str id);
