/* Entities of S3: buckets, the folders in them, and the columns of the objects below a prefix. */
#pragma once

#include "connector/connection.h"
#include "connector/entities.h"

#include <stdbool.h>

bool s3_list_entities(struct vendor_connection *connection, const struct entity_query *query,
                      struct entity_list *list);
bool s3_describe_entity(struct vendor_connection *connection, const struct entity_query *query,
                        struct entity_fields *fields);
