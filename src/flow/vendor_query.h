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

/* Takes the types of the filters' fields from a list of the API's ConnectorEntityField in JSON.
 * `wants_all`: names all fields that can be read as well; false: there are none. *ret_types: of
 * each field of the query; empty: it is not described. */
bool vendor_query_describe(struct read_query *query, struct str fields, bool wants_all,
                           struct arena *arena, const struct str **ret_types);
