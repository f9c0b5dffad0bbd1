/* Amazon AppFlow, and of two other services as much as AppFlow's clients need beside it: they are
 * often configured with this server as the endpoint of all that they call. */
#include "api/aws_services.h"

#include "api/sts.h"
#include "wire/content_coding.h"
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
    struct str body;
    return request_body(request, &body) &&
           route_decode_input(request->route, request->exchange->head.target, body, request->arena,
                              &request->input, &request->error);
}

/* --- Secrets Manager: JSON 1.1, routed by X-Amz-Target --- */

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z'))
            return false;
    }
    return text.len > 0 && text.len <= 64;
}

/* There is no operation of it yet. */
static bool secrets_manager_find(struct api_request *request)
{
    static const struct str prefix = STR("secretsmanager.");
    const struct str *target = http_find_header(&request->exchange->head, STR("X-Amz-Target"));
    struct str name = STR_NULL;
    if (target && str_starts(*target, prefix))
        name = (struct str){target->data + prefix.len, target->len - prefix.len};
    if (!is_name(name))
        return fail(&request->error, ERR_UNKNOWN_OPERATION,
                    "X-Amz-Target does not name an operation of Secrets Manager.");
    return fail(&request->error, ERR_NOT_IMPLEMENTED,
                "Secrets Manager's %.*s is not implemented in Headgate " HEADGATE_VERSION ".",
                STR_ARG(name));
}

static const struct aws_service services[] = {
    {STR("appflow"), AWS_REST_JSON, appflow_find, appflow_decode},
    {STR("sts"), AWS_QUERY, sts_find, NULL},
    {STR("secretsmanager"), AWS_JSON_1_1, secrets_manager_find, NULL},
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
