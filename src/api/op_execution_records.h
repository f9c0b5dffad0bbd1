/* DescribeFlowExecutionRecords. */
#pragma once

#include "api/request.h"

bool describe_flow_execution_records(struct api_request *request);
