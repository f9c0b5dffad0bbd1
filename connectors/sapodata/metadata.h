/* The document that describes an OData service ($metadata, CSDL in XML) of version 2 or 4: its
 * entity sets with their types' properties. Labels and what may be done come from SAP's attributes
 * (sap:label, sap:creatable; version 2) or from annotations (Common.Label, Capabilities, Core;
 * version 4). */
#pragma once

#include "base/arena.h"
#include "connector/http/answer_reader.h"

#include <stdbool.h>

enum { METADATA_BYTES_MAX = 16 * 1024 * 1024 }; /* of what is kept of one document */

/* What is not said is allowed. */
struct odata_limits {
    bool no_insert, no_update, no_filter;
};

struct odata_property {
    struct odata_property *next;
    struct str name, type, label;
    bool nullable;
    struct odata_limits limits;
};

struct odata_type {
    struct odata_type *next;
    struct str name; /* without its namespace */
    struct str base; /* likewise; STR_NULL: none */
    struct odata_property *properties, *last;
    struct odata_property *keys; /* names alone */
    size_t count;                /* of properties and keys */
};

struct odata_set {
    struct odata_set *next;
    struct str name, type, label;
    struct odata_limits limits;
};

struct odata_metadata {
    struct arena *arena;
    size_t bytes_max; /* of what is kept; 0: METADATA_BYTES_MAX */
    struct odata_type *types;
    struct odata_set *sets;
    bool is_v4;
    bool is_whole; /* the answer was such a document, and it was read to its end */
};

/* Reads an answer; what is found is in metadata->arena and points into nothing else. */
struct odata_reader;
struct odata_reader *odata_reader_new(struct odata_metadata *metadata,
                                      struct answer_reader *ret_reader);
void odata_reader_free(struct odata_reader *reader);

const struct odata_set *odata_set_find(const struct odata_metadata *metadata, struct str name);
const struct odata_type *odata_type_find(const struct odata_metadata *metadata, struct str name);
bool odata_is_key(const struct odata_type *type, struct str property);
