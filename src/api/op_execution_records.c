/* A flow's runs in pages, the newest first. */
#include "api/op_execution_records.h"

#include "api/execution_record.h"
#include "api/flow_row.h"
#include "api/page_token.h"
#include "api/run_manifest.h"

enum {
    PAGE_ANSWER_MAX = 1024 * 1024,
    ENTRY_MEMORY = 4 * 1024, /* bytes of an entry's values and of its names in the answer */
};

struct run_page {
    struct flow_run_row *rows;
    size_t count; /* one more than the page holds tells that there is a next one */
    size_t shown;
    size_t memory; /* bytes that the rows take */
};

/* Of a flow without runs it is asked whether it exists. */
static bool check_flow(struct api_request *request)
{
    struct flow_row row;
    bool found;
    struct flow_key key = flow_key_of(request);
    if (!flow_row_find(request->reader, request->arena, key, &row, &found, &request->error))
        return false;
    return found || fail(&request->error, ERR_NOT_FOUND, "Flow with name %.*s does not exist.",
                         STR_ARG(key.name));
}

static bool load(struct api_request *request, struct str before, struct run_page *page)
{
    size_t used = request->arena->used, limit = page_size(request);
    *page = (struct run_page){0};
    if (!flow_run_list(request->reader, request->arena, flow_key_of(request), before, limit + 1,
                       &page->rows, &page->count, &request->error))
        return false;
    page->shown = page->count > limit ? limit : page->count;
    page->memory = request->arena->used - used;
    return page->count > 0 || check_flow(request);
}

static bool answer_page(struct api_request *request, const struct run_page *page)
{
    struct arena *arena = request->arena;
    struct value *output = value_structure(arena), *entries = value_list(arena);
    struct buf json = buf_in(arena, PAGE_ANSWER_MAX);
    /* At most six bytes of JSON for each of a text's. */
    if (!arena_has_room(arena, 6 * page->memory + page->shown * ENTRY_MEMORY))
        return request_no_memory(request);
    for (size_t i = 0; i < page->shown; i++)
        value_append(arena, entries, execution_record(arena, &page->rows[i]));
    value_put(arena, output, "flowExecutions", entries);
    if (page->count > page->shown)
        value_put_text(arena, output, "nextToken",
                       page_token_make(request, page->rows[page->shown - 1].id));
    value_encode(&json, output);
    request->output = buf_str(&json);
    return true;
}

bool describe_flow_execution_records(struct api_request *request)
{
    struct str before, run = run_manifest_asked(request);
    struct run_page page;
    if (run.data)
        return run_manifest_answer(request, run);
    if (!page_token_read(request, &before))
        return false;
    bool ok = load(request, before, &page);
    trace_stage_end(&request->stage_ns, STAGE_LOAD);
    if (!ok)
        return request->error.code == ERR_THROTTLING && request_no_memory(request);
    return answer_page(request, &page);
}
