/* Bulk writes of a help desk's API, as developer.zendesk.com has them ("Create Many Tickets",
 * "Create Or Update Many Users", "Job Statuses"): what each record of a call asks for, and what is
 * wrong with it. */
#pragma once

#include "sandbox/records/dialect.h"
#include "sandbox/records/value_lookup.h"
#include "sandbox/records/written.h"

enum bulk_operation { BULK_CREATE, BULK_UPDATE, BULK_CREATE_OR_UPDATE };

/* One record of a call. */
struct bulk_item {
    size_t row;
    bool adds;
    const struct written_cell *cells;
    size_t count;
    const char *error; /* "RecordNotFound"; NULL: the record is written */
    struct str details;
};

struct bulk {
    struct records_exchange *exchange;
    const struct sample_entity *entity;
    enum bulk_operation operation;
    struct bulk_item *items;
    size_t count; /* of the items that are planned */
    struct value_lookup lookup;
};

/* Whether the vendor has bulk writes of an entity. */
bool bulk_takes(const struct sample_entity *entity);
/* A record's text as the call has it. */
void bulk_plan(struct bulk *bulk, struct str record);
/* Writes the records that have no error; those that there is no room for get one. */
void bulk_apply(struct bulk *bulk);
