/* Entities: what a flow can read from or write to at a vendor, such as a kind of object or a table,
 * and their fields. Implementations of connectors fill these two lists; what a peer sends is held
 * to the limits of Amazon's model here, the same for all. docs/internals/entities.md has the way.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ENTITIES_MAX = 20 * 1000,                 /* in one list */
    ENTITY_LIST_MAX = 8 * 1024 * 1024,        /* bytes of their texts */
    ENTITY_FIELDS_MAX = 5000,                 /* of one entity */
    ENTITY_FIELDS_JSON_MAX = 4 * 1024 * 1024, /* bytes */
    ENTITY_NAME_MAX = 128,  /* characters: Name, Identifier and Group of the API's model */
    ENTITY_LABEL_MAX = 128, /* likewise; more is cut off */
    ENTITY_DESCRIPTION_MAX = 1024,
    ENTITY_DEPTH_MAX = 16,   /* tables that a table inherits from */
    ENTITY_PAGES_MAX = 1000, /* of one list at the vendor */
};

/* What is asked for. */
struct entity_query {
    /* list_entities: the entity whose nested ones are wanted, STR_NULL: the outermost.
     * describe_entity: the one whose fields are wanted. */
    struct str name;
    struct str api_version; /* of the vendor's API, as the caller names it; STR_NULL: it does not */
};

struct entity {
    struct str group; /* key of the answer's map, such as "Objects" */
    struct str name;
    struct str label; /* STR_NULL: the name */
    bool nested;      /* it has nested entities */
};

struct entity_list {
    struct arena *arena; /* texts are copied there */
    struct entity *rows;
    size_t count, capacity;
    size_t bytes;   /* of texts and rows */
    int64_t kept_s; /* how long the connector lets it be cached; 0: it does not say */
    bool no_room;   /* it is full since the arena has no room, see arena_has_room */
};

void entity_list_init(struct entity_list *list, struct arena *arena);
/* An entity whose name the API's model does not allow (see entity_name_is_fit) is left out. False:
 * the list is full. */
bool entity_list_add(struct entity_list *list, const struct entity *entity);
/* By name; of two with one name the first stays. */
void entity_list_sort(struct entity_list *list);
/* Index of the first entity whose name is greater than `name`, in a sorted list. */
size_t entity_list_after(const struct entity_list *list, struct str name);

struct entity_fields {
    struct arena arena;
    struct buf json;  /* the items of connectorEntityFields, with commas between them */
    struct map names; /* of the fields that are there */
    size_t count;
    int64_t kept_s; /* how long the connector lets them be cached; 0: it does not say */
    bool is_full;
    bool no_room; /* it is full since the arena has no room */
};

/* Memory is counted by `meter`; NULL: by none. */
void entity_fields_init(struct entity_fields *fields, struct arena_meter *meter);
void entity_fields_done(struct entity_fields *fields);
/* A ConnectorEntityField of the API's model, which is encoded at once. Of two with one identifier
 * the first stays; one whose identifier the model does not allow is left out. False: there are as
 * many as there may be. */
bool entity_fields_add(struct entity_fields *fields, const struct value *field);

/* Whether the model's Name, Identifier and Group allow it: UTF-8 without blanks. */
bool entity_name_is_fit(struct str name);
/* At most `max` characters, with blanks in the place of control characters; in the arena. */
struct str entity_text(struct arena *arena, struct str text, size_t max);
