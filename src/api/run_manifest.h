/* The header X-Headgate-Manifest: EXECUTIONID, with which DescribeFlowExecutionRecords answers what
 * one run has read, written and left out, instead of a page of runs:
 *
 *   {"flowExecutions": [the run's ExecutionRecord],
 *    "manifest": {"pages", "objects", "recordsWritten", "perhapsTwice": unless it is 0,
 *                 "leftOut": {REASON: RECORDS},
 *                 "samples": [{"page", "position", "line", "reason"}],
 *                 "list": [{"key", "bytes", "records", "sha256"}]},
 *    "nextToken": for more of the objects in "list"} */
#pragma once

#include "api/request.h"

/* STR_NULL: the header is not there. */
struct str run_manifest_asked(const struct api_request *request);
/* Answers for this run. ERR_NOT_FOUND when the flow has none of this id. */
bool run_manifest_answer(struct api_request *request, struct str run);
