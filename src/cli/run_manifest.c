/* The manifest of a run comes in pages: each has all of it but the next ones of its objects. */
#include "cli/run_manifest.h"

#include "base/buf.h"
#include "cli/command.h"
#include "cli/run_print.h"
#include "cli/table.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

enum { REQUEST_MAX = 64 * 1024, JSON_MAX = 1024 * 1024 };

static bool read_page(struct flow_request *request, struct str run, struct str token,
                      const struct value **ret_answer)
{
    struct arena *arena = &request->arena;
    const struct http_header header = {STR("X-Headgate-Manifest"), run};
    struct value *body = value_structure(arena);
    struct buf text = buf_in(arena, REQUEST_MAX);
    struct api_answer answer;
    value_put_text(arena, body, "flowName", request->name);
    value_put_text(arena, body, "nextToken", token);
    value_encode(&text, body);
    if (!api_call_with(&request->api, arena, "/describe-flow-execution-records", buf_str(&text),
                       &header, 1, &answer, &request->error))
        return false;
    if (answer.status != 200)
        return api_fail_answer(&answer, &request->error);
    *ret_answer = answer.json;
    return value_get(answer.json, "manifest") ||
           fail(&request->error, ERR_NOT_IMPLEMENTED,
                "The server has no manifests: it is older than this command.");
}

static void print_left_out(struct arena *arena, const struct value *manifest)
{
    const struct value *left_out = value_get(manifest, "leftOut");
    const struct value *samples = value_get(manifest, "samples");
    for (size_t i = 0; left_out && i < left_out->count; i++) {
        struct str name = terminal_text(arena, left_out->names[i]);
        printf("Left out: %lld %.*s\n", (long long)left_out->items[i]->integer, STR_ARG(name));
    }
    for (size_t i = 0; samples && i < samples->count; i++) {
        const struct value *sample = samples->items[i];
        struct str page = terminal_text(arena, value_text(sample, "page"));
        struct str reason = terminal_text(arena, value_text(sample, "reason"));
        printf("  %.*s, line %lld: %.*s\n", STR_ARG(page),
               (long long)value_integer(sample, "line", 0), STR_ARG(reason));
    }
}

static void print_head(struct flow_request *request, const struct value *answer)
{
    struct arena *arena = &request->arena;
    const struct value *manifest = value_get(answer, "manifest");
    const struct value *records = value_get(answer, "flowExecutions");
    if (records && records->count > 0)
        run_print(arena, records->items[0]);
    printf("Read: %lld pages. Written: %lld records in %lld objects.\n",
           (long long)value_integer(manifest, "pages", 0),
           (long long)value_integer(manifest, "recordsWritten", 0),
           (long long)value_integer(manifest, "objects", 0));
    print_left_out(arena, manifest);
    if (value_flag(manifest, "listRemoved", false))
        printf("The list of the objects is not kept any more: newer runs have theirs.\n");
}

static void print_objects(struct arena *arena, const struct value *list)
{
    static const struct table_column columns[] = {
        {"OBJECT", 20, false}, {"BYTES", 5, true}, {"RECORDS", 7, true}, {"SHA-256", 64, false}};
    enum { COLUMNS = sizeof(columns) / sizeof(*columns) };
    size_t count = list ? list->count : 0;
    struct str *cells = arena_array(arena, struct str, count * COLUMNS + 1);
    for (size_t i = 0; i < count; i++) {
        const struct value *object = list->items[i];
        const struct str texts[COLUMNS] = {
            value_text(object, "key"),
            arena_printf(arena, "%lld", (long long)value_integer(object, "bytes", 0)),
            arena_printf(arena, "%lld", (long long)value_integer(object, "records", 0)),
            value_text(object, "sha256"),
        };
        memcpy(&cells[i * COLUMNS], texts, sizeof(texts));
    }
    if (count > 0)
        table_print(columns, COLUMNS, cells, count);
}

static void print_json(struct arena *arena, const struct value *value)
{
    struct buf json = buf_in(arena, JSON_MAX);
    value_encode(&json, value);
    terminal_print_json(stdout, buf_str(&json));
    putchar('\n');
}

static void print_page(struct flow_request *request, const struct value *answer, bool is_first,
                       bool json)
{
    const struct value *list = value_get(value_get(answer, "manifest"), "list");
    if (json && is_first)
        print_json(&request->arena, value_get(answer, "manifest"));
    for (size_t i = 0; json && !is_first && list && i < list->count; i++)
        print_json(&request->arena, list->items[i]);
    if (json)
        return;
    if (is_first)
        print_head(request, answer);
    print_objects(&request->arena, list);
}

static bool show_pages(struct flow_request *request, struct str run, bool json)
{
    struct str token = STR_NULL;
    const struct value *answer = NULL;
    bool is_first = true;
    do {
        if (!read_page(request, run, token, &answer))
            return false;
        print_page(request, answer, is_first, json);
        token = value_text(answer, "nextToken");
        is_first = false;
    } while (token.data);
    return true;
}

int run_manifest_show(struct flow_request *request, struct str run, bool json)
{
    const struct value *record;
    if (!run.data && !flow_request_record(request, STR_NULL, &record))
        return flow_request_failed(request);
    if (!run.data)
        run = value_text(record, "executionId");
    return show_pages(request, run, json) ? EXIT_OK : flow_request_failed(request);
}
