/* Which function does which operation, on what thread, and what policy it is under. */
#include "api/operation.h"

#include "api/op_connector_profile.h"
#include "api/sts.h"
#include "base/metrics.h"
#include "wire/api_ids.h"

enum { CHANGE = OPERATION_CHANGES | OPERATION_AUDITED | OPERATION_LIMITED, READ = 0 };

_Static_assert((int)API_OP_COUNT == (int)METRIC_UNKNOWN_OPERATION, "they follow the model's");
_Static_assert(METRIC_OTHER_SERVICES + 1 <= METRIC_OPERATIONS_MAX, "each has a cell of its own");

#define ROW(name, run, thread, flags, resource, hosts)                                             \
    [API_OP_##name] = {STR(#name), run, thread, flags, resource, hosts, API_OP_##name}

const struct operation appflow_operations[API_OP_COUNT] = {
    ROW(CreateConnectorProfile, create_connector_profile, ON_WORKER, CHANGE, "connectorProfileName",
        CALLS_NEW_CONFIG),
    ROW(UpdateConnectorProfile, update_connector_profile, ON_WORKER, CHANGE, "connectorProfileName",
        CALLS_NEW_CONFIG),
    ROW(DeleteConnectorProfile, delete_connector_profile, ON_WORKER, CHANGE, "connectorProfileName",
        CALLS_NONE),
    ROW(DescribeConnectorProfiles, describe_connector_profiles, ON_READER, READ, NULL, CALLS_NONE),

    ROW(ListConnectorEntities, NULL, ON_WORKER, READ, "connectorProfileName", CALLS_STORED_PROFILE),
    ROW(DescribeConnectorEntity, NULL, ON_WORKER, READ, "connectorProfileName",
        CALLS_STORED_PROFILE),
    ROW(ResetConnectorMetadataCache, NULL, ON_WORKER, CHANGE, "connectorProfileName", CALLS_NONE),

    ROW(RegisterConnector, NULL, ON_WORKER, CHANGE, "connectorLabel", CALLS_NONE),
    ROW(UnregisterConnector, NULL, ON_WORKER, CHANGE, "connectorLabel", CALLS_NONE),
    ROW(UpdateConnectorRegistration, NULL, ON_WORKER, CHANGE, "connectorLabel", CALLS_NONE),
    ROW(DescribeConnector, NULL, ON_READER, READ, "connectorLabel", CALLS_NONE),
    ROW(DescribeConnectors, NULL, ON_READER, READ, NULL, CALLS_NONE),
    ROW(ListConnectors, NULL, ON_READER, READ, NULL, CALLS_NONE),

    ROW(CreateFlow, NULL, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(UpdateFlow, NULL, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(DeleteFlow, NULL, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(StartFlow, NULL, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(StopFlow, NULL, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(CancelFlowExecutions, NULL, ON_WORKER, CHANGE, "flowName", CALLS_NONE),
    ROW(DescribeFlow, NULL, ON_READER, READ, "flowName", CALLS_NONE),
    ROW(DescribeFlowExecutionRecords, NULL, ON_READER, READ, "flowName", CALLS_NONE),
    ROW(ListFlows, NULL, ON_READER, READ, NULL, CALLS_NONE),

    ROW(TagResource, NULL, ON_WORKER, CHANGE, "resourceArn", CALLS_NONE),
    ROW(UntagResource, NULL, ON_WORKER, CHANGE, "resourceArn", CALLS_NONE),
    ROW(ListTagsForResource, NULL, ON_READER, READ, "resourceArn", CALLS_NONE),
};

struct str operation_metric_name(size_t metric)
{
    if (metric < API_OP_COUNT)
        return appflow_operations[metric].name;
    switch (metric) {
    case METRIC_UNKNOWN_OPERATION:
        return STR("unknown");
    case METRIC_PAGE:
        return STR("page");
    case METRIC_OTHER_SERVICES:
        return sts_get_caller_identity_operation.name;
    default:
        return STR_NULL;
    }
}
