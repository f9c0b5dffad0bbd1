/* Which function does which operation, on what thread, and what policy it is under. */
#include "api/operation.h"

#include "api/op_catalogue.h"
#include "api/op_connector_profile.h"
#include "api/op_describe_flow.h"
#include "api/op_entities.h"
#include "api/op_execution_records.h"
#include "api/op_flow.h"
#include "api/op_flow_run.h"
#include "api/op_registration.h"
#include "api/op_tags.h"
#include "api/secrets.h"
#include "api/sts.h"
#include "wire/api_ids.h"

enum { CHANGE = OPERATION_CHANGES | OPERATION_AUDITED | OPERATION_LIMITED, READ = 0 };

_Static_assert((int)API_OP_COUNT == (int)METRIC_UNKNOWN_OPERATION, "they follow the model's");

#define ROW(name, run, thread, flags, resource, hosts)                                             \
    [API_OP_##name] = {STR(#name), run, thread, flags, resource, hosts, API_OP_##name}

const struct operation appflow_operations[API_OP_COUNT] = {
    ROW(CreateConnectorProfile, create_connector_profile, ON_WORKER, CHANGE | OPERATION_TRIABLE,
        "connectorProfileName", CALLS_NEW_CONFIG),
    ROW(UpdateConnectorProfile, update_connector_profile, ON_WORKER,
        CHANGE | OPERATION_TRIABLE | OPERATION_ROLLS_BACK, "connectorProfileName",
        CALLS_NEW_CONFIG),
    ROW(DeleteConnectorProfile, delete_connector_profile, ON_WORKER, CHANGE, "connectorProfileName",
        CALLS_NONE),
    ROW(DescribeConnectorProfiles, describe_connector_profiles, ON_READER, READ,
        "connectorProfileNames", CALLS_NONE),

    ROW(ListConnectorEntities, list_connector_entities, ON_WORKER, READ, "connectorProfileName",
        CALLS_STORED_PROFILE),
    ROW(DescribeConnectorEntity, describe_connector_entity, ON_WORKER, READ, "connectorProfileName",
        CALLS_STORED_PROFILE),
    ROW(ResetConnectorMetadataCache, reset_connector_metadata_cache, ON_WORKER, CHANGE,
        "connectorProfileName", CALLS_NONE),

    ROW(RegisterConnector, register_connector, ON_WORKER, CHANGE, "connectorLabel", CALLS_FUNCTION),
    ROW(UnregisterConnector, unregister_connector, ON_WORKER, CHANGE, "connectorLabel", CALLS_NONE),
    ROW(UpdateConnectorRegistration, update_connector_registration, ON_WORKER, CHANGE,
        "connectorLabel", CALLS_FUNCTION),
    ROW(DescribeConnector, describe_connector, ON_READER, READ, "connectorLabel", CALLS_NONE),
    ROW(DescribeConnectors, describe_connectors, ON_READER, READ, NULL, CALLS_NONE),
    ROW(ListConnectors, list_connectors, ON_READER, READ, "connectorLabel", CALLS_NONE),

    ROW(CreateFlow, create_flow, ON_WORKER, CHANGE | OPERATION_PREVIEWS, "flowName", CALLS_NONE),
    ROW(UpdateFlow, update_flow, ON_WORKER, CHANGE | OPERATION_PREVIEWS, "flowName", CALLS_NONE),
    ROW(DeleteFlow, delete_flow, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(StartFlow, start_flow, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(StopFlow, stop_flow, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(CancelFlowExecutions, cancel_flow_executions, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(DescribeFlow, describe_flow, ON_READER, READ, "flowName", CALLS_NONE),
    ROW(DescribeFlowExecutionRecords, describe_flow_execution_records, ON_READER, READ, "flowName",
        CALLS_NONE),
    ROW(ListFlows, list_flows, ON_READER, READ | OPERATION_QUOTAS, "flowName", CALLS_NONE),

    ROW(TagResource, tag_resource, ON_WORKER, CHANGE, "resourceArn", CALLS_NONE),
    ROW(UntagResource, untag_resource, ON_WORKER, CHANGE, "resourceArn", CALLS_NONE),
    ROW(ListTagsForResource, list_tags_for_resource, ON_READER, READ, "resourceArn", CALLS_NONE),
};

_Static_assert((int)METRIC_SECRETS + (int)SECRETS_OPERATIONS == (int)METRIC_OPERATIONS, "the last");

struct str operation_metric_name(size_t metric)
{
    if (metric < API_OP_COUNT)
        return appflow_operations[metric].name;
    if (metric == METRIC_UNKNOWN_OPERATION)
        return STR("unknown");
    if (metric == METRIC_PAGE)
        return STR("page");
    if (metric < METRIC_SECRETS)
        return sts_operations[metric - METRIC_STS].name;
    return metric < METRIC_OPERATIONS ? secrets_operations[metric - METRIC_SECRETS].name : STR_NULL;
}
