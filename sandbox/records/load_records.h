/* Reading of "records" in a sandbox file. */
#pragma once

#include "sandbox/reader.h"
#include "sandbox/records/sample.h"

struct sample_maker;

/* The records of a vendor: its "records". */
bool load_records(struct reader *reader, const struct value *value);

/* What a response says of the records that it answers with: its "records". Without a dialect all
 * but what it leaves out is that of *ret_reply, where the response is like another one. */
bool load_records_reply(const struct reader *reader, struct str where, const struct value *value,
                        const struct records_reply **ret_reply);

/* load_pages.c: "pages" of it. */
bool load_pages(const struct reader *reader, struct str where, const struct value *value,
                const struct records_pages **ret_pages);

/* load_makers.c */
bool load_maker(const struct reader *reader, struct str where, const struct value *value,
                struct sample_maker *maker);

/* load_fields.c: the fields of an entity from what describes them. */
struct field_rules {
    const struct value *members; /* under which names a description says what a field is */
    /* Makers, each NULL or by name: the entity's fields come first, then fields of any entity, then
     * the types. */
    const struct value *own, *common, *types;
};
bool load_fields(const struct reader *reader, struct str where, const struct value *description,
                 const struct field_rules *rules, struct sample_entity *entity);
