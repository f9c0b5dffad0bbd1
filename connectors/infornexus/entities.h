/* Entities: types of objects, whose fields one object shows. */
#pragma once

#include "connector/entities.h"

struct vendor_connection;

/* As connector_ops has them. */
bool infornexus_list(struct vendor_connection *connection, const struct entity_query *query,
                     struct entity_list *list);
bool infornexus_describe(struct vendor_connection *connection, const struct entity_query *query,
                         struct entity_fields *fields);
