/* headgate flow preview: the first records of a flow's source with what its tasks make of them, by
 * CreateFlow or UpdateFlow with the header X-Headgate-Preview (api/flow_preview.h) over the
 * server's API, with an access key. */
#include "cli/command.h"
#include "cli/flow_request.h"
#include "cli/option_file.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/values.h"

#include "base/buf.h"
#include "flow/definition.h"
#include "wire/json_value.h"

#include <stdio.h>

#define PREVIEW "X-Headgate-Preview"

enum {
    REQUEST_MAX = 2 * 1024 * 1024, /* bytes; more than the server takes of a definition */
    ANSWER_NODES_MAX = 512 * 1024,
    UNREAD_SHOWN_MAX = 20, /* fields that no task reads */
    UNREAD_BYTES_MAX = 8 * 1024,
};

static const struct option preview_table[] = {
    FLOW_NAME_OPTION,
    {.name = "file",
     .argument = "FILE",
     .help =
         "JSON of a definition, as CreateFlow and UpdateFlow take it (\"aws appflow create-flow "
         "--generate-cli-skeleton\"): of a new flow, or in place of the stored one. \"-\" is "
         "standard input"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .heading = "Output",
     .help = "Print the server's answer as JSON"},
    SERVER_OPTIONS,
    {0},
};

/* --- the request --- */

/* What DescribeFlow answers and UpdateFlow takes. */
static const char *const members[] = {
    "description", "triggerConfig",        "sourceFlowConfig", "destinationFlowConfigList",
    "tasks",       "metadataCatalogConfig"};
static const char *const of_new_flows[] = {"kmsArn", "tags"};

static void copy_members(struct arena *arena, struct value *to, const struct value *from,
                         const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct value *member = value_get(from, names[i]);
        if (member)
            value_put(arena, to, names[i], (struct value *)member);
    }
}

static bool read_file(struct flow_request *request, const char *path,
                      const struct value **ret_definition)
{
    struct str text;
    struct value *definition;
    if (!option_file_read("file", path, REQUEST_MAX, &request->arena, &text, &request->error))
        return false;
    *ret_definition = NULL;
    if (json_parse_own(text, FLOW_NODES_MAX, &request->arena, &definition) == JSON_READ &&
        definition->kind == VALUE_STRUCTURE)
        *ret_definition = definition;
    return *ret_definition ||
           fail(&request->error, ERR_VALIDATION, "--file %s is not a JSON object.", path);
}

/* *ret_found NULL: there is no such flow. */
static bool find_flow(struct flow_request *request, const struct value **ret_found)
{
    struct api_answer answer = {0};
    *ret_found = NULL;
    if (flow_request_call(request, "/describe-flow", value_structure(&request->arena), &answer)) {
        *ret_found = answer.json;
        return true;
    }
    bool is_new = options_text(request->options, "file") &&
                  str_eq(answer.exception, STR("ResourceNotFoundException"));
    if (is_new)
        request->error = (struct error){0};
    return is_new;
}

static bool send_preview(struct flow_request *request, struct api_answer *ret_answer)
{
    struct arena *arena = &request->arena;
    const char *path = options_text(request->options, "file");
    const struct value *stored, *given = NULL;
    struct value *body = value_structure(arena);
    struct buf text = buf_in(arena, REQUEST_MAX);
    if (!api_check_flag(&request->api, arena, PREVIEW, "previews", &request->error) ||
        (path && !read_file(request, path, &given)) || !find_flow(request, &stored))
        return false;
    value_put_text(arena, body, "flowName", request->name);
    copy_members(arena, body, given ? given : stored, members, sizeof(members) / sizeof(*members));
    if (!stored)
        copy_members(arena, body, given, of_new_flows,
                     sizeof(of_new_flows) / sizeof(*of_new_flows));
    value_encode(&text, body);
    if (text.overflow)
        return fail(&request->error, ERR_VALIDATION, "The definition is longer than %d bytes.",
                    REQUEST_MAX);
    if (!api_call_flagged(&request->api, arena, PREVIEW, stored ? "/update-flow" : "/create-flow",
                          buf_str(&text), ret_answer, &request->error))
        return false;
    return ret_answer->status == 200 || api_fail_answer(ret_answer, &request->error);
}

/* --- for people --- */

static struct str shown(struct arena *arena, const struct value *value)
{
    if (!value)
        return STR("-");
    if (value->kind == VALUE_STRING)
        return terminal_text(arena, value->text);
    struct buf json = buf_in(arena, REQUEST_MAX);
    value_encode(&json, value);
    return terminal_text(arena, buf_str(&json));
}

struct preview_rows {
    struct arena *arena;
    struct str *cells;
    size_t count, room; /* rows */
};

enum { COLUMNS = 4 };

static void add_row(struct preview_rows *rows, struct str record, struct str field,
                    struct str before, struct str after)
{
    if (rows->count == rows->room) {
        size_t room = rows->room > 0 ? 2 * rows->room : 64;
        struct str *cells = arena_array(rows->arena, struct str, COLUMNS * room);
        for (size_t i = 0; i < COLUMNS * rows->count; i++)
            cells[i] = rows->cells[i];
        rows->cells = cells;
        rows->room = room;
    }
    const struct str row[COLUMNS] = {record, field, before, after};
    for (size_t i = 0; i < COLUMNS; i++)
        rows->cells[COLUMNS * rows->count + i] = row[i];
    rows->count++;
}

static struct str left_out(struct arena *arena, const struct value *record)
{
    const struct value *why = value_get(record, "leftOut");
    int64_t task = value_integer(why, "task", 0);
    struct str reason = terminal_text(arena, value_text(why, "reason"));
    if (!why)
        return STR_NULL;
    return task > 0 ? arena_printf(arena, "(left out by task %lld: %.*s)", (long long)task,
                                   STR_ARG(reason))
                    : arena_printf(arena, "(left out: %.*s)", STR_ARG(reason));
}

static void add_record(struct preview_rows *rows, const struct value *record, size_t number)
{
    struct arena *arena = rows->arena;
    const struct value *before = value_get(record, "before"), *after = value_get(record, "after");
    struct str name = arena_printf(arena, "%zu", number), out = left_out(arena, record);
    size_t first = rows->count;
    if (!before)
        add_row(rows, name, STR("-"),
                arena_printf(arena, "(not readable: %.*s)",
                             STR_ARG(terminal_text(arena, value_text(record, "unreadable")))),
                STR("-"));
    for (size_t i = 0; before && i < before->count; i++) {
        const struct value *made =
            after ? value_get(after, arena_cstr(arena, before->names[i])) : NULL;
        add_row(rows, rows->count == first ? name : STR(""), terminal_text(arena, before->names[i]),
                shown(arena, before->items[i]),
                out.data && rows->count == first ? out : shown(arena, made));
    }
    for (size_t i = 0; after && i < after->count; i++) {
        if (!before || !value_get(before, arena_cstr(arena, after->names[i])))
            add_row(rows, rows->count == first ? name : STR(""),
                    terminal_text(arena, after->names[i]), STR("-"), shown(arena, after->items[i]));
    }
}

static long long count_of(const struct value *preview, const char *name)
{
    return (long long)value_integer(preview, name, 0);
}

static void print_unknown(struct arena *arena, const struct value *unknown)
{
    for (size_t i = 0; unknown && i < unknown->count; i++) {
        struct str field = terminal_text(arena, value_text(unknown->items[i], "field"));
        printf("Task %lld reads %.*s, which the source does not describe.\n",
               count_of(unknown->items[i], "task"), STR_ARG(field));
    }
}

/* An effect that this version does not know is left out. */
static const char *words_of_effect(struct str effect)
{
    if (str_eq(effect, STR("asItComes")))
        return " It is written as it comes.";
    if (str_eq(effect, STR("converted")))
        return " It is converted; what cannot be leaves its record out.";
    if (str_eq(effect, STR("column")))
        return " Its column has a type; what is not of it leaves its record out.";
    return "";
}

static void print_retyped(struct arena *arena, const struct value *retyped)
{
    for (size_t i = 0; retyped && i < retyped->count; i++) {
        const struct value *row = retyped->items[i];
        struct str field = terminal_text(arena, value_text(row, "field"));
        struct str said = terminal_text(arena, value_text(row, "taskType"));
        struct str type = terminal_text(arena, value_text(row, "type"));
        printf("Task %lld takes %.*s for %.*s, and the source says that it is %.*s.%s\n",
               count_of(row, "task"), STR_ARG(field), STR_ARG(said), STR_ARG(type),
               words_of_effect(value_text(row, "effect")));
    }
}

static void print_unread(struct arena *arena, const struct value *drift)
{
    const struct value *unread = value_get(drift, "unreadFields");
    long long more = count_of(drift, "unreadCount");
    struct buf names = buf_in(arena, UNREAD_BYTES_MAX);
    size_t shown = 0;
    while (unread && shown < unread->count && shown < UNREAD_SHOWN_MAX) {
        struct str field = terminal_text(arena, value_text(unread->items[shown], "field"));
        buf_printf(&names, "%s%.*s", shown > 0 ? ", " : "", STR_ARG(field));
        shown++;
    }
    if (shown == 0 || names.overflow)
        return;
    if (more > (long long)shown)
        buf_printf(&names, ", and %lld more", more - (long long)shown);
    terminal_print_wrapped("No task reads: ", buf_str(&names));
}

static void print_drift(struct arena *arena, const struct value *drift)
{
    print_unknown(arena, value_get(drift, "unknownFields"));
    print_retyped(arena, value_get(drift, "retypedFields"));
    print_unread(arena, drift);
}

static void print_preview(struct arena *arena, const struct value *preview)
{
    static const struct table_column columns[COLUMNS] = {
        {"RECORD", 6, false}, {"FIELD", 8, false}, {"BEFORE", 12, false}, {"AFTER", 12, false}};
    const struct value *records = value_get(preview, "records");
    struct preview_rows rows = {.arena = arena};
    for (size_t i = 0; records && i < records->count; i++)
        add_record(&rows, records->items[i], i + 1);
    if (rows.count > 0)
        table_print(columns, COLUMNS, rows.cells, rows.count);
    printf(
        "%lld records read%s: %lld would be written, %lld are left out by filters, %lld by other "
        "tasks, %lld cannot be read.\n",
        count_of(preview, "read"),
        value_flag(preview, "isWhole", false) ? ", all that there are" : "",
        count_of(preview, "written"), count_of(preview, "filtered"), count_of(preview, "rejected"),
        count_of(preview, "unreadable"));
    print_drift(arena, value_get(preview, "drift"));
    if (value_text(preview, "error").len > 0)
        terminal_print_wrapped("A run would end here: ", value_text(preview, "error"));
}

static int print_answer(struct flow_request *request, const struct api_answer *answer)
{
    struct value *json;
    const struct value *preview = NULL;
    if (options_flag(request->options, "json")) {
        terminal_print_json(stdout, answer->body);
        putchar('\n');
    }
    if (json_parse_own(answer->body, ANSWER_NODES_MAX, &request->arena, &json) == JSON_READ)
        preview = value_get(json, "preview");
    if (!preview) {
        ignore_failure(fail(&request->error, ERR_UNAVAILABLE,
                            "The server's answer has no preview that can be shown here."));
        return flow_request_failed(request);
    }
    if (!options_flag(request->options, "json"))
        print_preview(&request->arena, preview);
    return value_text(preview, "error").len > 0 ? EXIT_FAILED : EXIT_OK;
}

static int run_preview(const struct options *options)
{
    struct flow_request request;
    struct api_answer answer;
    int code = flow_request_begin(&request, options) && send_preview(&request, &answer)
                   ? print_answer(&request, &answer)
                   : flow_request_failed(&request);
    flow_request_done(&request);
    return code;
}

const struct command flow_preview_command = {
    .name = "flow preview",
    .summary = "Show the first records of a flow's source, and what its tasks make of them",
    .about =
        "Sends the server CreateFlow or UpdateFlow with X-Headgate-Preview and an access key. The "
        "server checks the definition, reads up to 100 records with the profile's credentials, and "
        "applies the tasks to each; it stores nothing and writes nothing. Filters that the vendor "
        "applies itself leave out records before they come here.\n"
        "Shows values as they are before a Mask task, as who may change the flow can have them "
        "written.\n"
        "Exits with 0 for a preview, 1 if a run would end with an error or the request is refused, "
        "2 for an invalid option, 3 if the source gave nothing in time or the server could not be "
        "reached.",
    .examples = "headgate flow preview accounts --credentials headgate-data/credentials\n"
                "headgate flow preview accounts --file definition.json\n"
                "headgate flow preview accounts --json",
    .options = preview_table,
    .run = run_preview,
};
