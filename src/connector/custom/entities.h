/* A registered connector's entities: what its function answers to ListEntities and DescribeEntity.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "connector/connection.h"
#include "connector/entities.h"
#include "wire/value.h"

/* connector_ops.check_query: the API version is one that the connector declares. */
_must_use_ bool custom_check_query(const struct target *target, const struct entity_query *query,
                                   struct error *error);

/* connector_ops.list_entities and describe_entity. Pages are followed to the last one; the list may
 * be kept as long as the page that may be kept for the shortest time. An answer that does not keep
 * to the contract is VERDICT_UNREACHABLE, and the message names each fault by its JSON pointer. */
bool custom_list_entities(struct vendor_connection *connection, const struct entity_query *query,
                          struct entity_list *list);
bool custom_describe_entity(struct vendor_connection *connection, const struct entity_query *query,
                            struct entity_fields *fields);

/* Whether a field of the contract that was checked takes this operator of filters, by its own list
 * or, without one, as the SDKs have it for its type. */
bool custom_field_takes(const struct value *field, struct str operation);

/* The API's ConnectorEntityField of a field of the contract that was checked; in the arena, by
 * reference to the field. */
struct value *custom_field_value(struct arena *arena, const struct value *field);
