/* Objects have a format, records a write operation; the connector's data says which of the two a
 * destination takes. */
#include "flow/output.h"

#include "auth/aws_role.h"
#include "connector/catalogue.h"
#include "flow/ends.h"
#include "flow/trigger.h"

enum { ID_FIELDS_MAX = 100, LIST_TEXT_MAX = 256 };

/* --- objects --- */

static void check_prefix(struct flow_checking *checking, const struct value *prefix)
{
    const struct value *parts = value_get(prefix, "pathPrefixHierarchy");
    for (size_t i = 1; parts && i < parts->count; i++) {
        if (str_eq(parts->items[i]->text, parts->items[0]->text)) {
            flow_fault(&checking->faults, "pathPrefixHierarchy must have each of its values once");
            return;
        }
    }
}

static void check_aggregation(struct flow_checking *checking, const struct value *aggregation)
{
    if (value_integer(aggregation, "targetFileSize", 1) < 1)
        flow_fault(&checking->faults, "targetFileSize must be a number of megabytes above 0");
}

/* JSON lines are the default. */
static void check_json(struct flow_checking *checking, const struct value *format)
{
    const struct flow_end *source = &checking->definition->source;
    const struct value *aggregation = value_get(format, "aggregationConfig");
    struct str type = value_text(format, "fileType");
    struct str merged = value_text(aggregation, "aggregationType");
    bool of_documents = flow_is_of_documents(checking->definition);
    bool only_json = of_documents || source->connector->catalogue->flows.only_json;
    if (only_json && type.data && !str_eq(type, STR("JSON")))
        flow_fault(&checking->faults, "fileType must be JSON for this flow from %.*s",
                   STR_ARG(source->type));
    if (of_documents && merged.data && !str_eq(merged, STR("None")))
        flow_fault(&checking->faults, "aggregationType must be None for flows of documents");
}

static void check_objects(struct flow_checking *checking, const struct value *properties)
{
    const struct value *format = value_get(properties, "s3OutputFormatConfig");
    check_prefix(checking, value_get(format, "prefixConfig"));
    check_aggregation(checking, value_get(format, "aggregationConfig"));
    check_json(checking, format);
}

static bool has_partitions(const struct value *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        if (str_eq(value_text(tasks->items[i], "taskType"), STR("Partition")))
            return true;
    }
    return false;
}

static void check_no_objects(struct flow_checking *checking)
{
    if (has_partitions(checking->definition->tasks))
        flow_fault(&checking->faults,
                   "Task Validation Error: a Partition task is only for destinations that are "
                   "buckets, not for %.*s",
                   STR_ARG(checking->definition->destination.type));
}

static void check_documents(struct flow_checking *checking)
{
    const struct flow_definition *definition = checking->definition;
    const struct flow_end *source = &definition->source;
    struct str wanted = str_from(source->connector->catalogue->flows.document_destination);
    if (flow_is_of_documents(definition) && !str_eq(definition->destination.type, wanted))
        flow_fault(&checking->faults, "A flow of documents from %.*s can only go to %.*s",
                   STR_ARG(source->type), STR_ARG(wanted));
}

/* --- records --- */

/* What a registered connector declares, or what the catalogue says of a type. */
static void check_operation(struct flow_checking *checking, struct str operation)
{
    const struct flow_end *destination = &checking->definition->destination;
    const struct value *declared = value_get(destination->declared, "supportedWriteOperations");
    const struct connector_texts *known = &destination->connector->catalogue->flows.writes;
    bool fits = declared ? flow_has_text(declared, operation)
                         : known->count == 0 || connector_texts_have(known, operation);
    struct str name = destination->label.data ? destination->label : destination->type;
    struct buf list = buf_in(checking->arena, LIST_TEXT_MAX);
    if (fits)
        return;
    for (size_t i = 0; i < (declared ? declared->count : known->count); i++)
        buf_add_item(&list, declared ? declared->items[i]->text : str_from(known->rows[i]));
    flow_fault(&checking->faults, "writeOperationType must be one that %.*s supports: %.*s",
               STR_ARG(name), STR_ARG(buf_str(&list)));
}

/* The real service's sentence, with its spelling (cdk-appflow issue 546). */
static void check_ids(struct flow_checking *checking, const struct value *properties,
                      struct str operation)
{
    const struct value *ids = value_get(properties, "idFieldNames");
    bool needs_ids = str_eq(operation, STR("UPDATE")) || str_eq(operation, STR("UPSERT"));
    if (needs_ids && (!ids || ids->count == 0))
        flow_fault(&checking->faults,
                   "Atleast one field must be specified in idFieldNames for the %.*s Operation.",
                   STR_ARG(operation));
    if (ids && ids->count > ID_FIELDS_MAX) {
        flow_fault(&checking->faults, "idFieldNames must have at most %d fields", ID_FIELDS_MAX);
        return;
    }
    for (size_t i = 0; needs_ids && ids && i < ids->count; i++) {
        if (!written_fields_have(&checking->written, ids->items[i]->text))
            flow_fault(&checking->faults, "idFieldNames has %.*s, which no task writes",
                       STR_ARG(flow_shown(ids->items[i]->text)));
    }
}

static void check_writes(struct flow_checking *checking, const struct value *properties)
{
    const struct flow_end *destination = &checking->definition->destination;
    const char *key = destination->connector->catalogue->flows.delete_key;
    struct str operation = value_text(properties, "writeOperationType");
    if (!operation.data)
        return;
    check_operation(checking, operation);
    check_ids(checking, properties, operation);
    if (key && str_eq(operation, STR("DELETE")) &&
        !written_fields_have(&checking->written, str_from(key)))
        flow_fault(&checking->faults,
                   "A flow that deletes in %.*s must have a Map task to %s, by which records are "
                   "found",
                   STR_ARG(destination->type), key);
}

/* A role of another account must not be taken on for this one. */
static void check_data_catalog(struct flow_checking *checking)
{
    const struct flow_end *destination = &checking->definition->destination;
    const struct value *config = flow_data_catalog(checking->definition->input);
    if (!config)
        return;
    if (!destination->connector->catalogue->flows.writes_objects)
        flow_fault(&checking->faults,
                   "metadataCatalogConfig must not be given for a flow to %.*s, which writes no "
                   "objects that a table could have",
                   STR_ARG(destination->type));
    if (!aws_role_is_of_account(value_text(config, "roleArn"), checking->account))
        flow_fault(&checking->faults,
                   "roleArn of glueDataCatalog must be a role of this account, "
                   "arn:aws:iam::%.*s:role/NAME",
                   STR_ARG(checking->account));
}

void flow_output_check(struct flow_checking *checking, struct str kms_arn)
{
    const struct flow_end *destination = &checking->definition->destination;
    const struct value *properties = flow_end_properties(destination);
    if (!properties || !(checking->definition->source.connector->roles & ROLE_SOURCE))
        return; /* a fault already */
    if (destination->connector->catalogue->flows.writes_objects)
        check_objects(checking, properties);
    else
        check_no_objects(checking);
    check_documents(checking);
    check_data_catalog(checking);
    check_writes(checking, properties);
    if (destination->connector->catalogue->flows.needs_kms_key && !kms_arn.data)
        flow_fault(&checking->faults, "kmsArn must be given for a flow to %.*s",
                   STR_ARG(destination->type));
}
