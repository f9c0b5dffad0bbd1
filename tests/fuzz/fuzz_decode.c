/* Any bytes as a request's body or target: decoding must neither crash nor accept what it cannot
 * write and read again to the same. The first byte chooses the operation. */
#include "wire/content_coding.h"
#include "wire/errors.h"
#include "wire/restjson.h"
#include "wire/routes.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str encoded(struct arena *arena, const struct value *value)
{
    struct buf out = buf_in(arena, 16 * 1024 * 1024);
    value_encode(&out, value);
    return buf_str(&out);
}

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* What was accepted is accepted again as the server would store it, with the same bytes. */
static void check_body(const struct shape *shape, struct str body, struct arena *arena)
{
    struct error error = {0};
    struct value *value, *again;
    if (!restjson_decode(shape, body, arena, &value, &error)) {
        must(error.code == ERR_VALIDATION || error.code == ERR_SERIALIZATION);
        must(error.message[0] != '\0');
        return;
    }
    struct str json = encoded(arena, value);
    must(restjson_decode_stored(shape, json, arena, &again, &error));
    must(str_eq(json, encoded(arena, again)));
}

static void check_target(struct str target, struct str body, struct arena *arena)
{
    static const struct str methods[] = {STR("GET"), STR("POST"), STR("DELETE")};
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        const struct api_operation *operation = route_find(methods[i], target);
        struct error error = {0};
        struct value *input;
        if (operation)
            (void)route_decode_input(operation, target, body, arena, &input, &error);
    }
}

/* A decompressed body has a bound, and is decompressed only where its coding says so. */
static void check_coding(struct str body, struct arena *arena)
{
    static const struct str codings[] = {STR("gzip"), STR("identity"), STR("br")};
    for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++) {
        struct http_head head = {.header_count = 1};
        struct str decoded = STR_NULL;
        struct error error = {0};
        head.headers[0] = (struct http_header){STR("Content-Encoding"), codings[i]};
        if (content_decode(&head, body, arena, &decoded, &error) && decoded.len > HTTP_BODY_MAX)
            abort();
    }
}

static void check_plain(struct str text, struct arena *arena)
{
    struct value *value, *again;
    if (!json_parse(text, arena, &value))
        return;
    struct str json = encoded(arena, value);
    must(json_parse(json, arena, &again));
    must(str_eq(json, encoded(arena, again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    if (size == 0)
        return 0;
    struct str text = {(const char *)data + 1, size - 1}, target, body;
    const struct api_operation *operation = &api_operations[data[0] % api_operation_count];
    if (str_cut(text, '\n', &target, &body))
        check_target(target, body, &arena);
    check_body(&api_shapes[operation->input], text, &arena);
    check_plain(text, &arena);
    check_coding(text, &arena);
    arena_done(&arena);
    return 0;
}
