/* What commands ask a server about one flow and its runs, through the API. */
#pragma once

#include "cli/api_client.h"
#include "cli/options.h"

#define FLOW_NAME_OPTION                                                                           \
    {                                                                                              \
        .name = "name", .argument = "NAME", .required = true, .positional = true,                  \
        .heading = "Flow", .help = "Name of the flow"                                              \
    }

struct flow_request {
    const struct options *options; /* FLOW_NAME_OPTION, SERVER_OPTIONS */
    struct str name;               /* of the flow */
    struct arena arena;            /* of what was answered */
    struct error error;
    struct api_client api;
};

/* Reads the options and starts the client. Call flow_request_done in any case. */
_must_use_ bool flow_request_begin(struct flow_request *request, const struct options *options);
void flow_request_done(struct flow_request *request);

/* Sends `body`, a structure to which the flow's name is added; ERR_NOT_FOUND or ERR_UNAVAILABLE for
 * an answer that is a failure, as api_fail_answer has it. */
_must_use_ bool flow_request_call(struct flow_request *request, const char *path,
                                  struct value *body, struct api_answer *ret_answer);
/* The same with further headers, at most API_HEADERS_MAX. */
_must_use_ bool flow_request_call_with(struct flow_request *request, const char *path,
                                       struct value *body, const struct http_header *headers,
                                       size_t header_count, struct api_answer *ret_answer);

/* An ExecutionRecord of the flow: of this run, or of the newest (STR_NULL). ERR_NOT_FOUND when
 * there is none. */
_must_use_ bool flow_request_record(struct flow_request *request, struct str run,
                                    const struct value **ret_record);
/* Up to `limit` of them, the newest first: a list for each page that was read. */
typedef void flow_records_fn(void *context, const struct value *records);
_must_use_ bool flow_request_records(struct flow_request *request, size_t limit,
                                     flow_records_fn *use, void *context);

/* What the command ends with after a failure, which is printed: EXIT_UNDECIDED when the same may
 * succeed later. */
int flow_request_failed(const struct flow_request *request);
