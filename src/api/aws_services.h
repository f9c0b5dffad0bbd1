/* The AWS services that this listener answers for. A request is routed by the service that its
 * signature names, first of all, since the same method and path mean different things in each. */
#pragma once

#include "api/request.h"
#include "wire/aws_answer.h"

struct aws_service {
    struct str name; /* in the credential scope of Signature Version 4 */
    enum aws_protocol protocol;
    /* Sets request->operation, or fails request->error. */
    bool (*find)(struct api_request *request);
    /* Sets request->input, or fails request->error. NULL: find has read what there is to read. */
    bool (*decode)(struct api_request *request);
};

/* The names of all, the first one that which error messages name. */
extern const struct sigv4_services aws_service_names;

const struct aws_service *aws_service_find(struct str name); /* NULL: none of ours */

/* The protocol that a request's client speaks, so that it can read the error that it gets: its
 * service's, or, while that is not known, what the signature, X-Amz-Target and Content-Type say. */
enum aws_protocol request_protocol(const struct api_request *request);
