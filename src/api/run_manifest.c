/* What a run's row says of it, and a page of the rows of its objects. */
#include "api/run_manifest.h"

#include "api/execution_record.h"
#include "api/flow_row.h"
#include "api/page_token.h"
#include "flow/progress.h"
#include "flow/run.h"
#include "wire/json_value.h"

enum {
    OBJECTS_A_PAGE = 250,
    NODES_MAX = 4096, /* values and names of a run's progress */
    ANSWER_MAX = 8 * 1024 * 1024,
    OBJECT_MEMORY = 8 * 1024, /* bytes that an object takes in the arena and the answer */
};

struct str run_manifest_asked(const struct api_request *request)
{
    const struct str *value =
        http_find_header(&request->exchange->head, STR("X-Headgate-Manifest"));
    return value ? *value : STR_NULL;
}

static bool read_first(struct api_request *request, int64_t *ret_first)
{
    struct str position;
    unsigned long long first = 0;
    if (!page_token_read(request, &position))
        return false;
    if (position.data && !str_to_u64(position, INT64_MAX, &first))
        return fail(&request->error, ERR_VALIDATION, "nextToken is not one of a manifest.");
    *ret_first = (int64_t)first;
    return true;
}

static bool load(struct api_request *request, struct str run, struct flow_run_row *ret_row)
{
    bool found = false;
    struct flow_key flow = flow_key_of(request);
    if (!flow_run_find(request->reader, request->arena, flow, run, ret_row, &found,
                       &request->error))
        return false;
    if (!found)
        return fail(&request->error, ERR_NOT_FOUND, "Flow %.*s has no run %.*s.",
                    STR_ARG(flow.name), STR_ARG(run));
    return flow_run_check_progress(request->service->config.service_secret, ret_row,
                                   &request->error);
}

static struct value *object_value(struct arena *arena, const struct flow_run_object *object)
{
    struct value *value = value_structure(arena);
    value_put_text(arena, value, "key", object->key);
    value_put_integer(arena, value, "bytes", object->bytes);
    value_put_integer(arena, value, "records", object->records);
    value_put_text(arena, value, "sha256", object->sha256);
    return value;
}

static bool put_objects(struct api_request *request, const struct flow_run_row *row, int64_t first,
                        struct value *manifest, struct value *output)
{
    struct arena *arena = request->arena;
    struct flow_run_object *objects;
    struct value *list = value_list(arena);
    size_t count;
    if (!flow_run_object_list(request->reader, arena, row->flow, row->id, first, OBJECTS_A_PAGE + 1,
                              &objects, &count, &request->error))
        return false;
    size_t shown = count > OBJECTS_A_PAGE ? OBJECTS_A_PAGE : count;
    for (size_t i = 0; i < shown; i++)
        value_append(arena, list, object_value(arena, &objects[i]));
    value_put(arena, manifest, "list", list);
    if (first == 0 && count == 0 && value_integer(manifest, "objects", 0) > 0)
        value_put_flag(arena, manifest, "listRemoved", true);
    if (count > shown)
        value_put_text(arena, output, "nextToken",
                       page_token_make(
                           request, arena_printf(arena, "%lld", (long long)objects[shown].number)));
    return true;
}

/* What a later try needs of a run in progress is not shown. */
static struct value *manifest_of(struct api_request *request, const struct flow_run_row *row)
{
    static const char *const names[] = {"pages",        "objects", "recordsWritten",
                                        "perhapsTwice", "leftOut", "samples"};
    struct value *manifest = value_structure(request->arena), *progress;
    if (!row->progress.data ||
        json_parse_own(row->progress, NODES_MAX, request->arena, &progress) != JSON_READ)
        return manifest;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const struct value *member = value_get(progress, names[i]);
        if (member)
            value_put(request->arena, manifest, names[i], (struct value *)(uintptr_t)member);
    }
    return manifest;
}

bool run_manifest_answer(struct api_request *request, struct str run)
{
    struct arena *arena = request->arena;
    struct value *output = value_structure(arena), *entries = value_list(arena);
    struct buf json = buf_in(arena, ANSWER_MAX);
    struct flow_run_row row;
    int64_t first = 0;
    request->is_manifest = true;
    if (!read_first(request, &first))
        return false;
    if (!arena_has_room(arena, OBJECTS_A_PAGE * OBJECT_MEMORY))
        return request_no_memory(request);
    if (!load(request, run, &row))
        return false;
    struct value *manifest = manifest_of(request, &row);
    value_append(arena, entries, execution_record(arena, &row));
    value_put(arena, output, "flowExecutions", entries);
    value_put(arena, output, "manifest", manifest);
    if (!put_objects(request, &row, first, manifest, output))
        return false;
    value_encode(&json, output);
    request->output = buf_str(&json);
    return true;
}
