/* A flow's definition: what CreateFlow and UpdateFlow are given and DescribeFlow returns, in the
 * order in which it was sent. Deployment tools compare the two, so nothing is added to it but two
 * members that clients expect although they are empty (triggerProperties and
 * metadataCatalogConfig). */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "connector/connector.h"
#include "store/flows.h"
#include "wire/restjson.h"
#include "wire/value.h"

enum {
    /* Bytes of a stored definition: twice a request's body, as JSON may be written in fewer bytes
     * than the store's form of it has. */
    FLOW_DEFINITION_MAX = 512 * 1024,
    FLOW_SUMMARY_MAX = 32 * 1024,
    FLOW_TASKS_MAX = 2000,
    FLOW_NODES_MAX =
        JSON_REQUEST_NODES_MAX + 64, /* values and names: those of a request, and our own */
};

/* Members of ends' properties that name the object, in the order in which to look for one. */
extern const struct connector_texts flow_object_members;

/* Where records come from, or go to. */
struct flow_end {
    const struct value *config; /* SourceFlowConfig or DestinationFlowConfig; NULL: none given */
    const char *name;           /* of the configuration, for messages */
    const char *properties;     /* its member with the union of properties */
    enum connector_role role;
    struct str type;
    struct str profile;                /* connectorProfileName; STR_NULL: none given */
    const struct connector *connector; /* that is compiled in for the type */
    /* Of a registered connector, once flow_ends_check has found it; else absent. */
    struct str label;
    const struct value *declared; /* members of the API's ConnectorConfiguration */
};

struct flow_definition {
    const struct value *input; /* of CreateFlow or UpdateFlow, within the model's constraints */
    struct flow_end source;
    struct flow_end destination; /* the first of the list */
    size_t destination_count;
    struct str trigger_type;
    const struct value *tasks;
};

/* By reference to the input. */
void flow_definition_read(const struct value *input, struct flow_definition *ret_definition);

/* The structure with the properties of the end's connector; NULL: not given. */
const struct value *flow_end_properties(const struct flow_end *end);
/* The same of a destination that takes objects: its bucket, prefix and format. NULL: it takes
 * records. */
const struct value *flow_end_objects(const struct flow_end *destination);
/* The glueDataCatalog of a definition's metadataCatalogConfig; NULL: its runs are not registered.
 */
const struct value *flow_data_catalog(const struct value *definition);
/* The entity that its properties name; empty: none. */
struct str flow_end_entity(const struct flow_end *end);

/* What is stored beside a definition's own members. */
struct flow_facts {
    struct str kms_arn;
    struct str created_by;
    struct str updated_by;
    int64_t schema_version;
};

/* Sets all of the row that follows from the definition: trigger_type, profiles, summary and
 * definition. ERR_VALIDATION past FLOW_DEFINITION_MAX. */
_must_use_ bool flow_definition_store(const struct flow_definition *definition,
                                      const struct flow_facts *facts, struct arena *arena,
                                      struct flow_row *row, struct error *error);
