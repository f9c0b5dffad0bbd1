/* Amazon AppFlow, and of two other services as much as AppFlow's clients need beside it: they are
 * often configured with this server as the endpoint of all that they call. */
#include "api/aws_services.h"

#include "api/secrets.h"
#include "api/sts.h"
#include "wire/content_coding.h"
#include "wire/errors.h"
#include "wire/routes.h"

/* --- AppFlow: rest-json, routed by method and path --- */

static bool appflow_find(struct api_request *request)
{
    if (!request->route)
        return fail(&request->error, ERR_UNKNOWN_OPERATION,
                    "There is no operation with this method and path.");
    request->operation = &request->service->operations[request->route - api_operations];
    return true;
}

static bool appflow_decode(struct api_request *request)
{
    _cleanup_(arena_done) struct arena decoded = arena_beside(request->arena);
    struct str body;
    bool good = request_body(request, &decoded, &body) &&
                route_decode_input(request->route, request->route_target, body, request->arena,
                                   &request->input, &request->error);
    http_release_body(request->exchange);
    return good;
}

static const struct aws_service services[] = {
    {STR("appflow"), AWS_REST_JSON, appflow_find, appflow_decode},
    {STR("sts"), AWS_QUERY, sts_find, NULL},
    {STR("secretsmanager"), AWS_JSON_1_1, secrets_find, secrets_decode},
};

enum { SERVICE_COUNT = sizeof(services) / sizeof(*services) };

static const struct str names[] = {STR("appflow"), STR("sts"), STR("secretsmanager")};

_Static_assert(sizeof(names) / sizeof(*names) == SERVICE_COUNT, "a name for each");

const struct sigv4_services aws_service_names = {names, SERVICE_COUNT};

const struct aws_service *aws_service_find(struct str name)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (str_eq(services[i].name, name))
            return &services[i];
    }
    return NULL;
}

static struct str header_text(const struct http_head *head, struct str name)
{
    const struct str *value = http_find_header(head, name);
    return value ? *value : STR("");
}

static bool starts_nocase(struct str text, struct str prefix)
{
    return text.len >= prefix.len && str_eq_nocase((struct str){text.data, prefix.len}, prefix);
}

enum aws_protocol request_protocol(const struct api_request *request)
{
    const struct http_head *head = &request->exchange->head;
    const struct aws_service *service = request->aws_service;
    if (!service)
        service = aws_service_find(sigv4_scope_service(header_text(head, STR("Authorization"))));
    if (service)
        return service->protocol;
    struct str type = header_text(head, STR("Content-Type"));
    if (header_text(head, STR("X-Amz-Target")).len > 0 ||
        starts_nocase(type, STR("application/x-amz-json-")))
        return AWS_JSON_1_1;
    if (starts_nocase(type, STR("application/x-www-form-urlencoded")))
        return AWS_QUERY;
    return AWS_REST_JSON;
}
