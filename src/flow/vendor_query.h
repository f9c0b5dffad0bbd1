/* What a flow asks its vendor for, made from its definition: entity, fields, filters. */
#pragma once

#include "base/arena.h"
#include "connector/reading.h"
#include "flow/definition.h"

struct flow_program;

/* By reference to the definition and the program, which must live as long. *ret_all: the program
 * needs all fields that there are, so the query names none. */
void vendor_query_make(const struct flow_definition *definition, const struct flow_program *program,
                       struct arena *arena, struct read_query *ret_query, bool *ret_all);

/* The definition's tasks as the flow carries them out: in the place of filters that are for the
 * vendor alone there are tasks that do nothing, so that numbers of tasks stay. */
const struct value *vendor_query_own_tasks(const struct flow_definition *definition,
                                           struct arena *arena);

/* How the vendor shows a field to people. */
struct field_label {
    struct str name, label, description;
};

/* What the vendor says of the fields that a query has to do with. */
struct vendor_description {
    const struct str *names;   /* all that can be read; NULL: they are those of the query */
    size_t count;              /* of names, or of the query's fields */
    const struct str *types;   /* of each of these; empty: it is not described */
    const struct str *filters; /* the same of each filter's; STR_NULL also: no filter is taken */
    const struct field_label *labels; /* of these fields, or of all where the query names none;
                                       * NULL: they were not asked for */
    size_t label_count;
};

/* From a list of the API's ConnectorEntityField in JSON; keeps nothing of that. `wants_all`: it is
 * to have names; `wants_labels` likewise. ERR_CONNECTOR_SERVER: there are none; ERR_UNAVAILABLE: no
 * memory. */
_must_use_ bool vendor_query_describe(const struct read_query *query, struct str fields,
                                      bool wants_all, bool wants_labels, struct arena *arena,
                                      const struct vendor_description **ret_description,
                                      struct error *error);

/* Puts it into the query that it was made for, or one that was made like that. By reference. */
void vendor_query_use(struct read_query *query, const struct vendor_description *description,
                      struct arena *arena);
