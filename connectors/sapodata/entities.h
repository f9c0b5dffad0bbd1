/* The entities of SAP OData, for the connector's description. */
#pragma once

#include "connector/http/entity_source.h"

/* Client, language and single sign-on: parameters of every call. */
extern const struct connector_param sapodata_query[];
enum { SAPODATA_QUERY_COUNT = 3 };
#define SAPODATA_QUERY                                                                             \
    {                                                                                              \
        sapodata_query, SAPODATA_QUERY_COUNT                                                       \
    }

struct odata_metadata;

/* Reads $metadata of the service at a path. False, with the verdict set: there is none. */
bool sapodata_read_metadata(struct vendor_connection *connection, struct str path,
                            struct odata_metadata *metadata);

/* See connector_entities.list and .describe. */
bool sapodata_list(struct vendor_connection *connection, const struct entity_query *query,
                   struct entity_list *list);
bool sapodata_describe(struct vendor_connection *connection, const struct entity_query *query,
                       struct entity_fields *fields);
