/* The API's catalogue: what DescribeConnector and DescribeConnectors return for a connector that is
 * compiled in. Each connector's folder has its entry as data. Type, roles and private mode are in
 * struct connector and are not repeated here.
 *
 * Of the API's ConnectorConfiguration the real service fills for such a connector what
 * catalogue_configuration writes. Members for registered connectors (label, ARN, version, modes,
 * authenticationConfig, supportedOperators, supportedWriteOperations, …) are null in the samples of
 * the API reference, "DescribeConnector" and "DescribeConnectors", and are left out here. */
#pragma once

#include "connector/connector.h"

enum connector_trigger {
    TRIGGER_SCHEDULED = 1 << 0,
    TRIGGER_EVENT = 1 << 1,
    TRIGGER_ON_DEMAND = 1 << 2,
};

enum connector_frequency {
    FREQUENCY_BY_MINUTE = 1 << 0,
    FREQUENCY_HOURLY = 1 << 1,
    FREQUENCY_DAILY = 1 << 2,
    FREQUENCY_WEEKLY = 1 << 3,
    FREQUENCY_MONTHLY = 1 << 4,
    FREQUENCY_ONCE = 1 << 5,
    /* By the highest frequency that the User Guide permits ("Quotas for Amazon AppFlow"); that the
     * lower ones are listed as well is documented for one connector and inferred for all else. */
    FREQUENCIES_FROM_DAILY =
        FREQUENCY_DAILY | FREQUENCY_WEEKLY | FREQUENCY_MONTHLY | FREQUENCY_ONCE,
    FREQUENCIES_FROM_HOURLY = FREQUENCY_HOURLY | FREQUENCIES_FROM_DAILY,
    FREQUENCIES_FROM_MINUTE = FREQUENCY_BY_MINUTE | FREQUENCIES_FROM_HOURLY,
};

/* A member of the connector's structure in the API's ConnectorMetadata. */
struct catalogue_metadata {
    const char *member;
    struct connector_texts values;
};

/* What the definition of a flow must keep to beyond triggers, frequencies and destinations: pages
 * of the connectors in AppFlow's User Guide, unless an entry names another source. */
struct catalogue_flow_rules {
    /* Of flows from it. */
    struct connector_texts
        destinations;       /* all, also those that the API does not describe; none: the entry's */
    bool needs_projection;  /* a task that projects fields, or one that maps all */
    bool complete_is_daily; /* schedules that pull everything run at most once a day */
    bool only_json;         /* objects are written as JSON */
    /* Of incremental schedules: the field that says when a record changed, in every entity; NULL:
     * the flow names one. Or objects have times of their own. */
    const char *changed_field;
    bool has_object_times;
    /* A flow of documents: its source has this member, or an object with this beginning. They go to
     * one type of destination as JSON, at most hourly, without changes of their fields. NULL: it
     * has none. */
    const char *document_member;
    const char *document_objects;
    const char *document_destination;

    /* Of flows to it. */
    bool writes_objects; /* to a bucket, as S3DestinationProperties or those with the same members
                            say; else records */
    bool needs_kms_key;
    struct connector_texts writes; /* WriteOperationTypes; none: all that the model has */
    const char *delete_key;        /* the field that records to delete are found by; NULL: any */
    struct {
        const int *rows;
        size_t count;
    } periods_minutes; /* of schedules; none: any */
};

struct catalogue_entry {
    const char *name; /* as AppFlow shows it; the API's connectorDescription */
    unsigned
        triggers; /* of enum connector_trigger; of flows from it, or to it if it is no source */
    unsigned frequencies; /* of enum connector_frequency; of scheduled flows, likewise */
    struct connector_texts destinations; /* ConnectorTypes that a flow from it can write to */
    struct {
        const struct catalogue_metadata *rows;
        size_t count;
    } metadata;                 /* none: the structure is empty */
    bool needs_private_service; /* private mode needs the name of an endpoint service */
    bool moves_files;           /* beside records */
    struct catalogue_flow_rules flows;
};

/* A connector's ConnectorConfiguration, and its ConnectorDetail. It must be compiled in. */
struct value *catalogue_configuration(struct arena *arena, const struct connector *connector);
struct value *catalogue_detail(struct arena *arena, const struct connector *connector);
