/* What was defined, as it was sent. */
#include "api/op_describe_flow.h"

#include "api/execution_record.h"
#include "api/page_token.h"
#include "api/vendor_quotas.h"
#include "flow/definition.h"
#include "flow/flow.h"
#include "store/flow_schedules.h"
#include "store/tags.h"
#include "wire/api_ids.h"
#include "wire/restjson.h"

enum {
    OWN_MEMBERS_MAX = 128 * 1024, /* bytes of the answer's members that are not the definition's */
    PAGE_ANSWER_MAX = 16 * 1024 * 1024,
    ENTRY_MEMORY = 4 * 1024, /* bytes of an entry's values beside the row's texts and its tags */
    ENTRY_JSON = 1024,       /* bytes that its names and ARN have in the answer */
    TAG_MEMORY = 256,        /* bytes of a tag's values */
};

static struct flow_key key_of(const struct api_request *request, struct str name)
{
    return (struct flow_key){request->caller.account, request->caller.region, name};
}

/* --- one --- */

static bool find(struct api_request *request, struct flow_row *ret_row)
{
    struct flow_key key = key_of(request, value_text(request->input, "flowName"));
    bool found;
    if (!flow_row_find(request->reader, request->arena, key, ret_row, &found, &request->error))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_LOAD);
    if (!found)
        return fail(&request->error, ERR_NOT_FOUND, "Flow with name %.*s does not exist.",
                    STR_ARG(key.name));
    return flow_check_seal(request->service->config.service_secret, ret_row, &request->error);
}

static bool read_tags(struct api_request *request, const struct flow_row *row,
                      struct value **ret_tags)
{
    struct tagged tagged = {row->key.account, row->key.region, STR("flow"), row->key.name};
    struct tag *tags;
    size_t count;
    if (!tags_list(request->reader, request->arena, &tagged, &tags, &count, &request->error))
        return false;
    *ret_tags = value_new(request->arena, VALUE_MAP);
    for (size_t i = 0; i < count; i++)
        value_put(request->arena, *ret_tags, arena_cstr(request->arena, tags[i].key),
                  value_string(request->arena, tags[i].value));
    return true;
}

static bool put_last_run(struct api_request *request, const struct flow_row *row, struct value *own)
{
    struct flow_run_row *runs;
    size_t count;
    if (!flow_run_list(request->reader, request->arena, row->key, STR_NULL, 1, &runs, &count,
                       &request->error))
        return false;
    if (count > 0)
        value_put(request->arena, own, "lastRunExecutionDetails",
                  execution_details(request->arena, &runs[0]));
    struct value *tables = count > 0 ? execution_tables(request->arena, &runs[0]) : NULL;
    if (tables)
        value_put(request->arena, own, "lastRunMetadataCatalogDetails", tables);
    return true;
}

/* Why the server has deactivated a schedule; and that nothing starts an active flow for events, so
 * that it is seen and not waited for. */
static bool put_status_message(struct api_request *request, const struct flow_row *row,
                               struct value *own)
{
    struct flow_schedule_row schedule;
    bool found = false, is_suspended = str_eq(row->status, STR("Suspended"));
    if (is_suspended && !flow_schedule_find(request->reader, request->arena, row->key, &schedule,
                                            &found, &request->error))
        return false;
    if (found)
        value_put_text(request->arena, own, "flowStatusMessage", schedule.message);
    if (str_eq(row->status, STR("Active")) && str_eq(row->trigger_type, STR("Event")))
        value_put_text(request->arena, own, "flowStatusMessage",
                       STR("Headgate " HEADGATE_VERSION " starts no runs by events yet."));
    return true;
}

/* The stored definition is a JSON object. Its members are appended, as text, to those of `own`. */
static bool answer_with(struct api_request *request, const struct value *own, struct str definition)
{
    struct buf json = buf_in(request->arena, FLOW_DEFINITION_MAX + OWN_MEMBERS_MAX);
    if (!arena_has_room(request->arena, definition.len + OWN_MEMBERS_MAX))
        return request_no_memory(request);
    buf_reserve(&json, definition.len + OWN_MEMBERS_MAX);
    value_encode(&json, own);
    json.data[json.len - 1] = ',';
    buf_add(&json, (struct str){definition.data + 1, definition.len - 1});
    request->output = buf_str(&json);
    return true;
}

bool describe_flow(struct api_request *request)
{
    struct arena *arena = request->arena;
    struct value *own = value_structure(arena), *tags;
    struct flow_row row;
    if (!find(request, &row) || !read_tags(request, &row, &tags))
        return false;
    value_put_text(arena, own, "flowArn", flow_arn(arena, &row.key));
    value_put_text(arena, own, "flowName", row.key.name);
    value_put_text(arena, own, "flowStatus", row.status);
    value_put_time(arena, own, "createdAt", row.created_at_ms);
    value_put_time(arena, own, "lastUpdatedAt", row.updated_at_ms);
    value_put(arena, own, "tags", tags);
    if (!put_status_message(request, &row, own) || !put_last_run(request, &row, own))
        return false;
    return answer_with(request, own, row.definition);
}

/* --- many --- */

struct flow_page {
    struct flow_row *rows;
    size_t count; /* one more than the page holds tells that there is a next one */
    size_t shown;
    struct named_tag *tags; /* of these, in the order of names */
    size_t tag_count;
    struct flow_run_row *runs; /* their newest ones, as well */
    size_t run_count;
    size_t memory; /* bytes that rows, tags and runs take */
};

static bool load(struct api_request *request, struct str after, struct flow_page *page)
{
    struct arena *arena = request->arena;
    size_t used = arena->used, limit = page_size(request);
    *page = (struct flow_page){0};
    if (!flow_row_list(request->reader, arena, key_of(request, after), limit + 1, &page->rows,
                       &page->count, &request->error))
        return false;
    page->shown = page->count > limit ? limit : page->count;
    if (page->shown > 0) {
        struct tagged first = {request->caller.account, request->caller.region, STR("flow"),
                               page->rows[0].key.name};
        struct str last = page->rows[page->shown - 1].key.name;
        if (!tags_list_range(request->reader, arena, &first, last, &page->tags, &page->tag_count,
                             &request->error) ||
            !flow_run_list_newest(request->reader, arena, key_of(request, first.name), last,
                                  &page->runs, &page->run_count, &request->error))
            return false;
    }
    page->memory = arena->used - used;
    return true;
}

/* *at: the first tag that no flow before this one has; left behind its last one. */
static struct value *tags_of(struct api_request *request, const struct flow_page *page,
                             struct str name, size_t *at)
{
    struct value *tags = value_new(request->arena, VALUE_MAP);
    while (*at < page->tag_count && str_compare(page->tags[*at].name, name) < 0)
        (*at)++;
    for (; *at < page->tag_count && str_eq(page->tags[*at].name, name); (*at)++)
        value_put(request->arena, tags, arena_cstr(request->arena, page->tags[*at].tag.key),
                  value_string(request->arena, page->tags[*at].tag.value));
    return tags;
}

/* *at: the first run that no flow before this one has; left behind its own. */
static void put_run_of(struct arena *arena, const struct flow_page *page, struct str name,
                       size_t *at, struct value *entry)
{
    while (*at < page->run_count && str_compare(page->runs[*at].flow.name, name) < 0)
        (*at)++;
    if (*at < page->run_count && str_eq(page->runs[*at].flow.name, name))
        value_put(arena, entry, "lastRunExecutionDetails",
                  execution_details(arena, &page->runs[(*at)++]));
}

static bool read_summary(struct api_request *request, const struct flow_row *row,
                         struct value **ret_entry)
{
    struct error reason;
    return restjson_decode_stored(&api_shapes[API_SHAPE_FlowDefinition], row->summary,
                                  request->arena, ret_entry, &reason) ||
           fail(&request->error, ERR_INTERNAL, "What is stored of flow %.*s cannot be read.",
                STR_ARG(row->key.name));
}

static bool add_entries(struct api_request *request, const struct flow_page *page,
                        struct value *entries)
{
    struct arena *arena = request->arena;
    struct value *entry;
    size_t at = 0, run_at = 0;
    for (size_t i = 0; i < page->shown; i++) {
        const struct flow_row *row = &page->rows[i];
        if (!read_summary(request, row, &entry))
            return false;
        value_put_text(arena, entry, "flowArn", flow_arn(arena, &row->key));
        value_put_text(arena, entry, "flowName", row->key.name);
        value_put_text(arena, entry, "flowStatus", row->status);
        value_put_text(arena, entry, "triggerType", row->trigger_type);
        value_put_time(arena, entry, "createdAt", row->created_at_ms);
        value_put_time(arena, entry, "lastUpdatedAt", row->updated_at_ms);
        value_put(arena, entry, "tags", tags_of(request, page, row->key.name, &at));
        put_run_of(arena, page, row->key.name, &run_at, entry);
        value_append(arena, entries, entry);
    }
    return true;
}

static bool answer_page(struct api_request *request, const struct flow_page *page)
{
    struct arena *arena = request->arena;
    struct value *output = value_structure(arena), *entries = value_list(arena);
    struct buf json = buf_in(arena, PAGE_ANSWER_MAX);
    /* Texts once more as values, and at most six bytes of JSON for each of theirs. */
    size_t size = 6 * page->memory + (page->shown + 1) * ENTRY_JSON;
    size_t values = page->memory + page->shown * ENTRY_MEMORY + page->tag_count * TAG_MEMORY;
    if (!arena_has_room(arena, values + size))
        return request_no_memory(request);
    if (!add_entries(request, page, entries))
        return false;
    value_put(arena, output, "flows", entries);
    if (page->count > page->shown)
        value_put_text(arena, output, "nextToken",
                       page_token_make(request, page->rows[page->shown - 1].key.name));
    value_encode(&json, output);
    request->output = buf_str(&json);
    return true;
}

bool list_flows(struct api_request *request)
{
    struct str after;
    struct flow_page page;
    if (request->is_quotas)
        return vendor_quotas_answer(request);
    if (!page_token_read(request, &after))
        return false;
    bool ok = load(request, after, &page);
    trace_stage_end(&request->stage_ns, STAGE_LOAD);
    if (!ok)
        return request->error.code == ERR_THROTTLING && request_no_memory(request);
    return answer_page(request, &page);
}
