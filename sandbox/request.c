/* Takes requests apart. */
#include "sandbox/request.h"

#include "base/encode.h"
#include "wire/restjson.h"

static struct str header_text(const struct http_head *head, struct str name)
{
    const struct str *value = http_find_header(head, name);
    return value ? *value : STR_NULL;
}

/* "name", "name:port", "[v6]:port" */
static struct str host_of(struct str authority)
{
    struct str host = authority;
    if (str_starts(authority, STR("["))) {
        str_cut((struct str){authority.data + 1, authority.len - 1}, ']', &host, &authority);
        return host;
    }
    struct str port;
    str_cut(authority, ':', &host, &port);
    if (str_ends(host, STR(".")))
        host.len--;
    return host;
}

/* "/at/HOST/PATH" at an address of this machine is PATH of HOST: browsers look a vendor's name up
 * themselves, and cannot be led here by it. */
static void read_host_in_path(struct sandbox_request *request)
{
    struct str rest = request->path, host, path = STR("/");
    bool is_local = str_eq(request->host, STR("127.0.0.1")) || str_eq(request->host, STR("::1")) ||
                    str_eq_nocase(request->host, STR("localhost"));
    if (!is_local || !str_starts(rest, STR(SANDBOX_AT)))
        return;
    rest = (struct str){rest.data + sizeof(SANDBOX_AT) - 1, rest.len - (sizeof(SANDBOX_AT) - 1)};
    host = rest;
    if (str_cut(rest, '/', &host, &path))
        path = (struct str){path.data - 1, path.len + 1}; /* with its slash */
    request->authority = host;
    request->host = host_of(host);
    request->path = path;
}

void request_init(struct sandbox_request *request, const struct http_head *head, struct str body,
                  bool over_tls, struct arena *arena)
{
    *request = (struct sandbox_request){
        .head = head, .body = body, .arena = arena, .over_tls = over_tls, .path = head->target};
    str_cut(head->target, '?', &request->path, &request->query);
    request->authority = header_text(head, STR("Host"));
    request->host = host_of(request->authority);
    read_host_in_path(request);
}

/* In a form '+' is a blank. */
static bool decode_form_text(struct arena *arena, struct str text, struct str *ret_text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.data[i] == '+' ? ' ' : text.data[i];
    return decode_percent(arena, (struct str){copy, text.len}, ret_text);
}

bool parameters_parse(struct str text, struct arena *arena, struct parameters *ret_parameters)
{
    ret_parameters->count = 0;
    bool more = text.len > 0;
    while (more) {
        struct str pair = text, name, value = STR(""), decoded;
        more = str_cut(text, '&', &pair, &text);
        name = pair;
        str_cut(pair, '=', &name, &value);
        size_t at = ret_parameters->count;
        if (at == PARAMETERS_MAX || !decode_form_text(arena, name, &decoded) ||
            parameters_get(ret_parameters, decoded).data ||
            !decode_form_text(arena, value, &ret_parameters->values[at]))
            return false;
        ret_parameters->names[at] = decoded;
        ret_parameters->count++;
    }
    return true;
}

struct str parameters_get(const struct parameters *parameters, struct str name)
{
    for (size_t i = 0; parameters && i < parameters->count; i++)
        if (str_eq(parameters->names[i], name))
            return parameters->values[i];
    return STR_NULL;
}

static struct str query_part(const struct sandbox_request *request, struct str name)
{
    struct parameters parameters;
    return parameters_parse(request->query, request->arena, &parameters)
               ? parameters_get(&parameters, name)
               : STR_NULL;
}

static struct str form_part(struct sandbox_request *request, struct str name)
{
    if (!request->form_read) {
        struct parameters *form = arena_new(request->arena, struct parameters);
        request->form_read = true;
        if (parameters_parse(request->body, request->arena, form))
            request->form = form;
    }
    return parameters_get(request->form, name);
}

/* "data.LOGIN_NAME", "criteria.0.value" */
static struct str json_part(struct sandbox_request *request, struct str path)
{
    struct value *json;
    if (!request->json_read) {
        request->json_read = true;
        if (json_parse(request->body, request->arena, &json))
            request->json = json;
    }
    const struct value *at = request->json;
    bool more = true;
    while (more && at) {
        struct str name = path;
        more = str_cut(path, '.', &name, &path);
        unsigned long long index;
        bool is_item = at->kind == VALUE_LIST && str_to_u64(name, UINT32_MAX, &index);
        at = !is_item            ? value_get(at, arena_cstr(request->arena, name))
             : index < at->count ? at->items[index]
                                 : NULL;
        if (!more && at && at->kind == VALUE_INTEGER)
            return arena_printf(request->arena, "%lld", (long long)at->integer);
        if (!more)
            return at && at->kind == VALUE_STRING ? at->text : STR_NULL;
    }
    return STR_NULL;
}

/* What is in the quotes of NAME="…", and nothing besides it. */
static struct str quoted_parameter(struct str text, struct str wanted)
{
    struct str name, value;
    if (!str_cut(text, '=', &name, &value) || !str_eq_nocase(name, wanted) || value.len < 2 ||
        value.data[0] != '"' || !str_ends(value, STR("\"")))
        return STR_NULL;
    return (struct str){value.data + 1, value.len - 2};
}

/* "NAME", or "NAME PARAMETER" for a scheme with a named parameter. */
static struct str scheme_part(const struct sandbox_request *request, struct str wanted)
{
    struct str scheme, value, all = header_text(request->head, STR("Authorization"));
    struct str parameter = STR_NULL;
    str_cut(wanted, ' ', &wanted, &parameter);
    if (!str_cut(all, ' ', &scheme, &value) || !str_eq_nocase(scheme, wanted))
        return STR_NULL;
    value = str_trim(value);
    if (parameter.data)
        value = quoted_parameter(value, parameter);
    return value.len > 0 ? value : STR_NULL;
}

struct str request_part(struct sandbox_request *request, const struct request_part *part)
{
    struct str text;
    switch (part->kind) {
    case PART_BASIC:
        text = scheme_part(request, STR("Basic"));
        return text.data && decode_base64(request->arena, text, &text) ? text : STR_NULL;
    case PART_SCHEME:
        return scheme_part(request, part->name);
    case PART_HEADER:
        return header_text(request->head, part->name);
    case PART_QUERY:
        return query_part(request, part->name);
    case PART_FORM:
        return form_part(request, part->name);
    case PART_JSON:
        return json_part(request, part->name);
    case PART_SIGNED:
        return request_signed(request, part->name);
    }
    return STR_NULL;
}

struct str request_credential(struct sandbox_request *request, const struct request_part *parts,
                              size_t part_count)
{
    struct str all = request_part(request, &parts[0]);
    for (size_t i = 1; i < part_count && all.data; i++) {
        struct str next = request_part(request, &parts[i]);
        all = next.data ? arena_printf(request->arena, "%.*s:%.*s", STR_ARG(all), STR_ARG(next))
                        : STR_NULL;
    }
    return all;
}

bool request_host_is_own(struct str host)
{
    static const struct str own[] = {STR("127.0.0.1"), STR("localhost"), STR("::1")};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
        if (str_eq_nocase(host, own[i]))
            return true;
    }
    return false;
}
