/* The header comes before the tag. */
#include "api/flow_window.h"

#include "flow/definition.h"
#include "flow/incremental.h"
#include "flow/past_window.h"
#include "store/tags.h"
#include "wire/json_value.h"

#define WINDOW_TAG "headgate:window"

struct str flow_window_header(const struct api_request *request)
{
    const struct str *text = http_find_header(&request->exchange->head, STR("X-Headgate-Window"));
    return text ? *text : STR_NULL;
}

static bool read_tag(struct api_request *request, const struct flow_row *row, struct str *ret_text)
{
    struct store *store = request->service->config.store;
    const struct tagged tagged = {row->key.account, row->key.region, STR("flow"), row->key.name};
    struct store_reader *reader;
    struct tag *tags;
    size_t count;
    *ret_text = STR_NULL;
    if (!store_reader_take(store, &reader, &request->error))
        return false;
    bool ok = tags_list(reader, request->arena, &tagged, &tags, &count, &request->error);
    store_reader_put(store, reader);
    for (size_t i = 0; ok && i < count; i++) {
        if (str_eq(tags[i].key, STR(WINDOW_TAG)))
            *ret_text = tags[i].value;
    }
    return ok;
}

static bool check_source(struct api_request *request, const struct flow_row *row)
{
    struct value *definition;
    if (str_eq(row->trigger_type, STR("Event")))
        return fail(&request->error, ERR_VALIDATION,
                    "Flow %.*s cannot run over a window: it is for events.",
                    STR_ARG(row->key.name));
    enum json_fault fault =
        json_parse_own(row->definition, FLOW_NODES_MAX, request->arena, &definition);
    if (fault == JSON_NO_ROOM)
        return fail(&request->error, ERR_THROTTLING,
                    "There is no memory left for the flow's definition. Try again later.");
    if (fault != JSON_READ)
        return fail(&request->error, ERR_INTERNAL, "The definition of flow %.*s cannot be read.",
                    STR_ARG(row->key.name));
    return flow_incremental_is_possible(definition) ||
           fail(&request->error, ERR_VALIDATION,
                "Flow %.*s cannot run over a window: nothing says when its records changed. Name "
                "the field that does in incrementalPullConfig of its source.",
                STR_ARG(row->key.name));
}

/* A caller that sent no window does not know of one. */
static bool read_window(struct api_request *request, struct str text, bool is_tag,
                        struct flow_window *ret_window)
{
    struct error error = {0};
    int64_t now_ms = store_clock_ms(request->service->config.store);
    if (past_window_read(text, now_ms, ret_window, &error))
        return true;
    return fail(&request->error, error.code, "%s%s", error.message,
                is_tag ? " It is the flow's tag " WINDOW_TAG "." : "");
}

bool flow_window_asked(struct api_request *request, const struct flow_row *row,
                       struct flow_window *ret_window)
{
    struct str text = flow_window_header(request);
    bool is_tag = !text.data;
    *ret_window = (struct flow_window){0};
    if (is_tag && !read_tag(request, row, &text))
        return false;
    return !text.data ||
           (read_window(request, text, is_tag, ret_window) && check_source(request, row));
}
