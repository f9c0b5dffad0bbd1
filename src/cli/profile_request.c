/* Making the request, from a file, the command line, and what the server says of the profile. */
#include "cli/profile_request.h"

#include "base/buf.h"
#include "cli/option_file.h"
#include "cli/profile_name.h"
#include "connector/connector.h"
#include "wire/restjson.h"

enum { REQUEST_MAX = 256 * 1024 }; /* bytes of a body that the server takes */

#define DESCRIBE "/describe-connector-profiles"
#define UPDATE "/update-connector-profile"
#define CREATE "/create-connector-profile"

/* NULL: the error says why. */
static const struct value *describe(struct profile_request *request, struct str name)
{
    struct arena *arena = request->arena;
    struct value *names = value_list(arena), *question = value_structure(arena);
    struct buf body = buf_in(arena, REQUEST_MAX);
    struct api_answer answer;
    value_append(arena, names, value_string(arena, name));
    value_put(arena, question, "connectorProfileNames", names);
    value_encode(&body, question);
    if (!api_call(&request->api, arena, DESCRIBE, buf_str(&body), &answer, request->error))
        return NULL;
    const struct value *details = value_get(answer.json, "connectorProfileDetails");
    if (answer.status != 200)
        api_fail_answer(&answer, request->error);
    else if (!details || details->count != 1)
        fail(request->error, ERR_NOT_FOUND, "Connector Profile with name %.*s does not exist.",
             STR_ARG(name));
    else
        return details->items[0];
    return NULL;
}

static struct value *config_of(struct arena *arena, struct value *properties)
{
    struct value *config = value_structure(arena);
    value_put(arena, config, "connectorProfileProperties", properties);
    return config;
}

/* Everything but the credentials, which stay the stored ones. */
static struct value *stored_config(struct arena *arena, const struct value *detail)
{
    const struct value *properties = value_get(detail, "connectorProfileProperties");
    return config_of(arena, properties ? (struct value *)properties : value_structure(arena));
}

/* Of a connector whose properties are all optional. */
static struct value *empty_config(struct arena *arena, const char *type)
{
    const struct connector *connector = connector_by_type(str_from(type));
    struct value *properties = value_structure(arena);
    value_put(arena, properties, arena_cstr(arena, connector->key), value_structure(arena));
    return config_of(arena, properties);
}

static bool read_file(struct profile_request *request, struct value **ret_value)
{
    struct str text;
    *ret_value = value_structure(request->arena);
    if (!request->with)
        return true;
    if (!option_file_read("with", request->with, REQUEST_MAX, request->arena, &text,
                          request->error))
        return false;
    return (json_parse(text, request->arena, ret_value) && (*ret_value)->kind == VALUE_STRUCTURE) ||
           fail(request->error, ERR_VALIDATION, "--with: %.200s is not a JSON object.",
                request->with);
}

static void put_member(struct profile_request *request, struct value *body,
                       const struct value *from, const char *name)
{
    const struct value *member = value_get(from, name);
    if (member)
        value_put(request->arena, body, name, (struct value *)member);
}

static bool check_name(const struct profile_request *request, const struct value *file,
                       struct str name)
{
    struct str given = value_text(file, "connectorProfileName");
    return !given.data || str_eq(given, name) ||
           fail(request->error, ERR_VALIDATION,
                "--with: the request is for the profile %.*s, not for %.*s.", STR_ARG(given),
                STR_ARG(name));
}

static bool is_in(const struct value *file, const char *member)
{
    return value_get(file, member) != NULL;
}

/* Members that the command line gives, and the file does not. */
static void put_given(struct profile_request *request, struct value *body, const struct value *file)
{
    if (request->connector && !is_in(file, "connectorType"))
        value_put_text(request->arena, body, "connectorType", str_from(request->connector));
    if (request->label && !is_in(file, "connectorLabel"))
        value_put_text(request->arena, body, "connectorLabel", str_from(request->label));
    if (request->connector && !is_in(file, "connectionMode"))
        value_put_text(request->arena, body, "connectionMode", STR("Public"));
}

/* A request has its configuration in a member; what has none is the configuration itself. */
static bool fill(struct profile_request *request, struct str name, struct value *file,
                 struct value *body)
{
    static const char *const members[] = {"connectorType", "connectorLabel", "kmsArn",
                                          "connectionMode", "clientToken"};
    struct arena *arena = request->arena;
    const struct value *config = value_get(file, "connectorProfileConfig"), *detail = NULL;
    bool creates = is_in(file, "connectorType") || request->connector;
    request->path = creates ? CREATE : UPDATE;
    if (!check_name(request, file, name))
        return false;
    if (!creates && !is_in(file, "connectionMode") && !(detail = describe(request, name)))
        return false;
    value_put_text(arena, body, "connectorProfileName", name);
    for (size_t i = 0; config && i < sizeof(members) / sizeof(*members); i++)
        put_member(request, body, file, members[i]);
    if (detail)
        put_member(request, body, detail, "connectionMode");
    put_given(request, body, file);
    value_put(arena, body, "connectorProfileConfig",
              config               ? (struct value *)config
              : file->count > 0    ? file
              : request->connector ? empty_config(arena, request->connector)
                                   : stored_config(arena, detail));
    return true;
}

bool profile_request_make(struct profile_request *request)
{
    const struct options *options = request->options;
    const struct api_client_config config = {
        .endpoint = options_text(options, "server"),
        .region = options_text(options, "region"),
        .credentials_path = options_text(options, "credentials"),
        .ca_path = options_text(options, "ca"),
    };
    struct str name = profile_name(options);
    struct value *file, *value = value_structure(request->arena);
    struct buf body = buf_in(request->arena, REQUEST_MAX);
    if (!api_client_start(&request->api, &config, request->error) || !read_file(request, &file) ||
        !fill(request, name, file, value))
        return false;
    value_encode(&body, value);
    request->body = buf_str(&body);
    return !body.overflow ||
           fail(request->error, ERR_VALIDATION, "--with: the request is too long.");
}
