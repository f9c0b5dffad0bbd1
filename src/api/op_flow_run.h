/* StartFlow, StopFlow and CancelFlowExecutions. */
#pragma once

#include "api/request.h"

bool start_flow(struct api_request *request);
bool stop_flow(struct api_request *request);
bool cancel_flow_executions(struct api_request *request);
