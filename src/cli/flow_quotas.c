/* headgate flow quotas: what vendors said of their limits, by ListFlows with the header
 * X-Headgate-Quotas (api/vendor_quotas.h) over the server's API, with an access key. */
#include "cli/command.h"
#include "cli/flow_request.h"
#include "cli/shown_time.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/values.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define QUOTAS "X-Headgate-Quotas"

enum { JSON_MAX = 64 * 1024 };

static const struct option quotas_table[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .heading = "Output",
     .help = "Print JSON lines: one for each of a vendor's customers"},
    SERVER_OPTIONS,
    {0},
};

static struct str text_of(const struct value *quota, const char *name)
{
    struct str text = value_text(quota, name);
    return text.data ? text : STR("");
}

static struct str time_of(struct arena *arena, const struct value *quota, const char *name)
{
    return shown_second(arena, shown_time_ms(quota, name));
}

static struct str number_of(struct arena *arena, const struct value *quota, const char *name)
{
    if (!value_get(quota, name))
        return STR("");
    return arena_printf(arena, "%lld", (long long)value_integer(quota, name, 0));
}

static void print_table(struct arena *arena, const struct value *list)
{
    static const struct table_column columns[] = {
        {"CONNECTOR", 9, false},   {"HOST", 12, false}, {"PROFILE", 7, true},
        {"LEFT", 4, false},        {"AS OF", 19, true}, {"RENEWED", 7, true},
        {"AN HOUR", 7, false},     {"ENDS", 4, false},  {"WAITING", 7, true},
        {"WAITS UNTIL", 11, true},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(*columns) };
    struct str *cells = arena_array(arena, struct str, list->count * COLUMNS + 1);
    for (size_t i = 0; i < list->count; i++) {
        const struct value *quota = list->items[i];
        const struct str texts[COLUMNS] = {
            text_of(quota, "connectorType"),         text_of(quota, "host"),
            text_of(quota, "connectorProfileName"),  number_of(arena, quota, "callsLeft"),
            time_of(arena, quota, "asOf"),           time_of(arena, quota, "renewsAt"),
            number_of(arena, quota, "callsAnHour"),  time_of(arena, quota, "endsAt"),
            number_of(arena, quota, "callsWaiting"), time_of(arena, quota, "waitsUntil"),
        };
        memcpy(&cells[i * COLUMNS], texts, sizeof(texts));
    }
    table_print(columns, COLUMNS, cells, list->count);
}

static void print_json(struct arena *arena, const struct value *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct buf json = buf_in(arena, JSON_MAX);
        value_encode(&json, list->items[i]);
        terminal_print_json(stdout, buf_str(&json));
        putchar('\n');
    }
}

/* NULL: the request's error says why. */
static const struct value *ask(struct flow_request *request)
{
    struct api_answer answer;
    if (!api_call_flagged(&request->api, &request->arena, QUOTAS, "/list-flows", STR("{}"), &answer,
                          &request->error))
        return NULL;
    const struct value *list = value_get(answer.json, "vendorQuotas");
    if (answer.status != 200)
        ignore_failure(api_fail_answer(&answer, &request->error));
    else if (!list || list->kind != VALUE_LIST)
        ignore_failure(fail(&request->error, ERR_NOT_IMPLEMENTED,
                            "The server has no quotas: it is older than this command."));
    else
        return list;
    return NULL;
}

static int run_quotas(const struct options *options)
{
    struct flow_request request;
    const struct value *list = flow_request_begin(&request, options) ? ask(&request) : NULL;
    int code = EXIT_OK;
    if (!list)
        code = flow_request_failed(&request);
    else if (options_flag(options, "json"))
        print_json(&request.arena, list);
    else if (list->count > 0)
        print_table(&request.arena, list);
    else
        printf("No vendor has said anything of its limits to this node's runs.\n");
    flow_request_done(&request);
    return code;
}

const struct command flow_quotas_command = {
    .name = "flow quotas",
    .summary = "Show what is left of vendors' limits, and until when that will do",
    .about =
        "Shows what the vendors of the access key's account have said of their limits to runs of "
        "the server's node: calls that are left, and when there are all of them again. AN HOUR is "
        "how many all clients used lately; ENDS is when none will be left at that "
        "rate, and empty where the limit is renewed before. WAITING are calls of this node's runs "
        "that wait for their turn. Vendors are not asked, so what no run has called lately is not "
        "here. Times are in UTC.\n"
        "Exits with 0, 1 if the request is refused, 2 for an invalid option, 3 if the server could "
        "not be reached.",
    .examples = "headgate flow quotas --credentials headgate-data/credentials\n"
                "headgate flow quotas --json",
    .options = quotas_table,
    .run = run_quotas,
};
