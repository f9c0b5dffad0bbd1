/* Requests and pages. */
#include "cli/flow_request.h"

#include "base/buf.h"
#include "cli/command.h"
#include "vault/secret.h"
#include "wire/value.h"

enum { REQUEST_MAX = 64 * 1024, PAGE_MAX = 100 };

#define RECORDS "/describe-flow-execution-records"

bool flow_request_begin(struct flow_request *request, const struct options *options)
{
    const struct api_client_config config = {
        .endpoint = options_text(options, "server"),
        .region = options_text(options, "region"),
        .credentials_path = options_text(options, "credentials"),
        .ca_path = options_text(options, "ca"),
    };
    *request = (struct flow_request){
        .options = options,
        .name = str_from(options_text(options, "name")),
    };
    secret_init();
    return api_client_start(&request->api, &config, &request->error);
}

void flow_request_done(struct flow_request *request)
{
    api_client_stop(&request->api);
    arena_done(&request->arena);
}

bool flow_request_call_with(struct flow_request *request, const char *path, struct value *body,
                            const struct http_header *headers, size_t header_count,
                            struct api_answer *ret_answer)
{
    struct buf text = buf_in(&request->arena, REQUEST_MAX);
    value_put_text(&request->arena, body, "flowName", request->name);
    value_encode(&text, body);
    if (!api_call_with(&request->api, &request->arena, path, buf_str(&text), headers, header_count,
                       ret_answer, &request->error))
        return false;
    return ret_answer->status == 200 || api_fail_answer(ret_answer, &request->error);
}

bool flow_request_call(struct flow_request *request, const char *path, struct value *body,
                       struct api_answer *ret_answer)
{
    return flow_request_call_with(request, path, body, NULL, 0, ret_answer);
}

/* *token: of the page to read, STR_NULL for the first; then of the next one, or STR_NULL. */
static bool read_page(struct flow_request *request, size_t limit, struct str *token,
                      const struct value **ret_records)
{
    struct value *body = value_structure(&request->arena);
    struct api_answer answer;
    value_put_integer(&request->arena, body, "maxResults",
                      (int64_t)(limit < PAGE_MAX ? limit : PAGE_MAX));
    value_put_text(&request->arena, body, "nextToken", *token);
    if (!flow_request_call(request, RECORDS, body, &answer))
        return false;
    *token = value_text(answer.json, "nextToken");
    *ret_records = value_get(answer.json, "flowExecutions");
    return *ret_records || fail(&request->error, ERR_UNAVAILABLE,
                                "The server's answer has no list of the flow's runs.");
}

bool flow_request_records(struct flow_request *request, size_t limit, flow_records_fn *use,
                          void *context)
{
    const struct value *records;
    struct str token = STR_NULL;
    for (size_t read = 0; read < limit; read += records->count) {
        if (!read_page(request, limit - read, &token, &records))
            return false;
        use(context, records);
        if (!token.data || records->count == 0)
            break;
    }
    return true;
}

struct run_search {
    struct str run; /* STR_NULL: the first */
    const struct value *found;
};

static void look(void *context, const struct value *records)
{
    struct run_search *search = context;
    for (size_t i = 0; i < records->count && !search->found; i++) {
        if (!search->run.data || str_eq(value_text(records->items[i], "executionId"), search->run))
            search->found = records->items[i];
    }
}

bool flow_request_record(struct flow_request *request, struct str run,
                         const struct value **ret_record)
{
    struct run_search search = {.run = run};
    if (!flow_request_records(request, run.data ? SIZE_MAX : 1, look, &search))
        return false;
    *ret_record = search.found;
    if (search.found)
        return true;
    return run.data ? fail(&request->error, ERR_NOT_FOUND, "Flow %.*s has no run %.*s.",
                           STR_ARG(request->name), STR_ARG(run))
                    : fail(&request->error, ERR_NOT_FOUND, "Flow %.*s has no run yet.",
                           STR_ARG(request->name));
}

int flow_request_failed(const struct flow_request *request)
{
    int code = command_failed(&request->error);
    return request->error.code == ERR_UNAVAILABLE ? EXIT_UNDECIDED : code;
}
