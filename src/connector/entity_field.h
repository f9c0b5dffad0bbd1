/* One field of an entity, as every connector gives it, and its form in the API. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "connector/connector.h"
#include "wire/value.h"

#include <stdbool.h>

/* Lists of texts, such as operators, live as long as the program, or in an arena. */
struct entity_field {
    struct str name;
    struct str label;                 /* STR_NULL: the name */
    struct str description;           /* STR_NULL: the label */
    struct str type;                  /* the vendor's own */
    struct connector_texts operators; /* for filters, of the API's Operator */
    struct connector_texts values;    /* the only ones that it may have; none: any */
    struct connector_texts
        writes; /* of WriteOperationType: those that find a record by this field */
    bool is_key;
    bool is_hidden; /* it cannot be read */
    bool is_time;   /* incremental flows can go by it */
    bool creatable, updatable, upsertable, nullable, defaulted;
};

/* ConnectorEntityField of the API's model, in the arena, by reference to the field's texts. It has
 * sourceProperties for a connector that can be a source, destinationProperties for one that can be
 * a destination: `roles`, of enum connector_role. */
struct value *entity_field_value(struct arena *arena, unsigned roles,
                                 const struct entity_field *field);
