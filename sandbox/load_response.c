/* Reads the responses of a sandbox file into bytes that are ready to send. */
#include "sandbox/reader.h"
#include "sandbox/records/load_records.h"
#include "sandbox/template.h"

#include <string.h>

enum { HEADERS_PER_RESPONSE_MAX = 32 };

static const struct member_rule response_members[] = {
    {"like", VALUE_STRING, false},       {"status", VALUE_INTEGER, false},
    {"headers", VALUE_STRUCTURE, false}, {"body", VALUE_STRING, false},
    {"json", VALUE_RAW, false},          {"pad_bytes", VALUE_INTEGER, false},
    {"delay_ms", VALUE_INTEGER, false},  {"fault", VALUE_STRING, false},
    {"records", VALUE_STRUCTURE, false},
};

static bool is_token(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c <= ' ' || c >= 0x7f || memchr("\"(),/:;<=>?@[\\]{}", c, 17))
            return false;
    }
    return name.len > 0;
}

static bool is_field_value(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.data[i] < ' ' || value.data[i] == 0x7f)
            return false;
    return true;
}

static bool is_the_servers(struct str name)
{
    return str_eq_nocase(name, STR("Content-Length")) || str_eq_nocase(name, STR("Date")) ||
           str_eq_nocase(name, STR("Connection")) || str_eq_nocase(name, STR("Transfer-Encoding"));
}

static bool load_headers(const struct reader *reader, struct str where, const struct value *map,
                         struct sandbox_response *response)
{
    if (!reader_check_map(reader, where, map, VALUE_STRING))
        return false;
    if (map->count > HEADERS_PER_RESPONSE_MAX)
        return reader_fail(reader, where, "has more than %d headers.", HEADERS_PER_RESPONSE_MAX);
    struct http_header *headers = arena_array(reader->arena, struct http_header, map->count);
    for (size_t i = 0; i < map->count; i++) {
        headers[i] = (struct http_header){map->names[i], map->items[i]->text};
        if (!is_token(headers[i].name) || !is_field_value(headers[i].value))
            return reader_fail(reader, where, "header %zu cannot be sent.", i + 1);
        if (is_the_servers(headers[i].name))
            return reader_fail(reader, where, "%.*s is set by the server.",
                               STR_ARG(headers[i].name));
    }
    response->headers = headers;
    response->header_count = map->count;
    return true;
}

bool vendor_is_response_placeholder(struct str name)
{
    static const char *const names[] = {"access_token", "refresh_token", "instance_url", "origin",
                                        "host",         "now_s",         "now_ms"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eq(name, str_from(names[i])))
            return true;
    return false;
}

static bool look_only(void *context, struct str name, struct arena *arena, struct str *ret_text)
{
    (void)context;
    (void)arena;
    *ret_text = name;
    return vendor_is_response_placeholder(name);
}

static bool load_json(const struct reader *reader, struct str where, const struct value *json,
                      struct sandbox_response *response)
{
    struct arena scratch = {0};
    struct template template = {.arena = &scratch, .lookup = look_only};
    const struct value *plain = template_expand(&template, json);
    struct buf body = buf_in(reader->arena, VENDOR_TEXT_MAX);
    if (plain)
        value_encode(&body, plain);
    arena_done(&scratch);
    response->template = template.used ? json : NULL;
    response->body = buf_str(&body);
    if (!plain)
        return reader_fail(reader, where, "there is no placeholder {%.*s}.",
                           STR_ARG(template.unknown));
    return !body.overflow || reader_fail(reader, where, "is too long.");
}

static bool load_content(const struct reader *reader, struct str where, const struct value *value,
                         struct sandbox_response *response)
{
    const struct value *json = value_get(value, "json"), *body = value_get(value, "body");
    const struct value *records = value_get(value, "records");
    if ((json && body) || (records && (json || body)))
        return reader_fail(reader, where, "body, json and records exclude each other.");
    if (json || body)
        response->records = NULL;
    if (records)
        return load_records_reply(reader, reader_in(reader, where, STR("records")), records,
                                  &response->records);
    if (json)
        return load_json(reader, reader_in(reader, where, STR("json")), json, response);
    if (body) {
        response->body = body->text;
        response->template = NULL;
    }
    return response->body.len <= VENDOR_TEXT_MAX || reader_fail(reader, where, "is too long.");
}

static bool load_fault(const struct reader *reader, struct str where, struct str name,
                       enum vendor_fault *ret_fault)
{
    if (str_eq(name, STR("reset")))
        *ret_fault = FAULT_RESET;
    else if (str_eq(name, STR("truncate")))
        *ret_fault = FAULT_TRUNCATE;
    else if (name.data)
        return reader_fail(reader, where, "fault must be reset or truncate.");
    return true;
}

static bool load_number(const struct reader *reader, struct str where, const struct value *value,
                        const char *name, int64_t least, int64_t most, int64_t *number)
{
    *number = value_integer(value, name, *number);
    return (*number >= least && *number <= most) ||
           reader_fail(reader, where, "%s must be %lld to %lld.", name, (long long)least,
                       (long long)most);
}

static bool load_response(struct reader *reader, struct str where, const struct value *value,
                          struct sandbox_response *response)
{
    struct str name = response->name, like = value_text(value, "like");
    const struct sandbox_response *base;
    if (!READER_CHECK(reader, where, value, response_members))
        return false;
    if (like.data) {
        if (!reader_response(reader, where, like, &base))
            return false;
        *response = *base;
        response->name = name;
    }
    int64_t status = like.data ? response->status : 200, pad = (int64_t)response->pad_bytes;
    const struct value *headers = value_get(value, "headers");
    if (!load_number(reader, where, value, "status", 200, 599, &status) ||
        !load_number(reader, where, value, "pad_bytes", 0, VENDOR_PAD_MAX, &pad) ||
        !load_number(reader, where, value, "delay_ms", 0, VENDOR_DELAY_MS_MAX,
                     &response->delay_ms) ||
        !load_fault(reader, where, value_text(value, "fault"), &response->fault) ||
        (headers && !load_headers(reader, where, headers, response)))
        return false;
    response->status = (int)status;
    response->pad_bytes = (size_t)pad;
    return load_content(reader, where, value, response);
}

bool load_responses(struct reader *reader, const struct value *map)
{
    struct str where = STR("responses");
    if (!reader_check_map(reader, where, map, VALUE_STRUCTURE))
        return false;
    struct sandbox_response *responses =
        arena_array(reader->arena, struct sandbox_response, map->count);
    reader->vendor->responses = responses;
    for (size_t i = 0; i < map->count; i++) {
        responses[i].name = map->names[i];
        if (!load_response(reader, reader_in(reader, where, map->names[i]), map->items[i],
                           &responses[i]))
            return false;
        /* Counted only now: a response is like an earlier one, never like itself. */
        reader->vendor->response_count = i + 1;
    }
    return true;
}
