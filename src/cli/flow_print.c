/* Flows as a table, as a page about one, and as JSON. */
#include "cli/flow_print.h"

#include "base/buf.h"
#include "base/clock.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "flow/definition.h"
#include "flow/schedule.h"

#include <stdio.h>
#include <string.h>

enum {
    JSON_MAX = FLOW_DEFINITION_MAX + 256 * 1024,
    MINUTE_TEXT = 16 /* of "2026-01-31T23:59:59Z" */
};

/* --- what is shown of a row --- */

static const struct value *first_item(const struct value *list)
{
    return list && list->count > 0 ? list->items[0] : NULL;
}

/* The object that properties name; of a bucket, with its prefix. */
static struct str object_of(struct arena *arena, const struct value *properties)
{
    struct str prefix = value_text(properties, "bucketPrefix");
    for (size_t i = 0; i < flow_object_members.count; i++) {
        const char *member = flow_object_members.rows[i];
        struct str object = value_text(properties, member);
        bool is_bucket = strcmp(member, "bucketName") == 0;
        if (object.data && is_bucket && prefix.len > 0)
            return arena_printf(arena, "%.*s/%.*s", STR_ARG(object), STR_ARG(prefix));
        if (object.data)
            return object;
    }
    return STR("");
}

static struct str end_text(struct arena *arena, const struct value *end, const char *properties)
{
    struct str type = value_text(end, "connectorType");
    struct str profile = value_text(end, "connectorProfileName");
    struct str object = object_of(arena, first_item(value_get(end, properties)));
    return arena_printf(arena, "%.*s%s%.*s%s%.*s", STR_ARG(type), profile.len > 0 ? " " : "",
                        STR_ARG(profile), object.len > 0 ? ": " : "", STR_ARG(object));
}

static struct str trigger_text(struct arena *arena, const struct value *trigger)
{
    const struct value *scheduled = value_get(value_get(trigger, "triggerProperties"), "Scheduled");
    struct str expression = value_text(scheduled, "scheduleExpression");
    return arena_printf(arena, "%.*s%s%.*s", STR_ARG(value_text(trigger, "triggerType")),
                        expression.len > 0 ? " " : "", STR_ARG(expression));
}

void shown_flow_set(struct arena *arena, const struct flow_row *row, const struct value *definition,
                    struct shown_flow *ret_shown)
{
    const struct value *destinations = value_get(definition, "destinationFlowConfigList");
    *ret_shown = (struct shown_flow){
        .key = {arena_copy(arena, row->key.account), arena_copy(arena, row->key.region),
                arena_copy(arena, row->key.name)},
        .status = definition ? arena_copy(arena, row->status) : STR("changed"),
        .trigger = trigger_text(arena, value_get(definition, "triggerConfig")),
        .source =
            end_text(arena, value_get(definition, "sourceFlowConfig"), "sourceConnectorProperties"),
        .destination = end_text(arena, first_item(destinations), "destinationConnectorProperties"),
        .updated_at_ms = row->updated_at_ms,
    };
}

/* --- the table --- */

/* "2026-01-31 23:59" in UTC. */
static struct str minute(struct arena *arena, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_text(ms, text);
    text[10] = ' ';
    return arena_copy(arena, (struct str){text, MINUTE_TEXT});
}

void shown_flows_print(struct arena *arena, const struct shown_flow *rows, size_t count)
{
    static const struct table_column columns[] = {
        {"ACCOUNT", 12, true},      {"REGION", 9, true},    {"NAME", 12, false},
        {"STATE", 5, false},        {"TRIGGER", 9, false},  {"SOURCE", 12, false},
        {"DESTINATION", 12, false}, {"CHANGED", 16, false},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(*columns) };
    struct str *cells = arena_array(arena, struct str, count * COLUMNS + 1);
    for (size_t i = 0; i < count; i++) {
        const struct shown_flow *row = &rows[i];
        const struct str texts[COLUMNS] = {
            row->key.account, row->key.region, row->key.name,    row->status,
            row->trigger,     row->source,     row->destination, minute(arena, row->updated_at_ms),
        };
        memcpy(&cells[i * COLUMNS], texts, sizeof(texts));
    }
    table_print(columns, COLUMNS, cells, count);
}

/* --- JSON --- */

static struct value *flow_value(struct arena *arena, const struct shown_flow *shown)
{
    struct value *value = value_structure(arena);
    char time[CLOCK_TEXT_SIZE];
    clock_text(shown->updated_at_ms, time);
    value_put_text(arena, value, "account", shown->key.account);
    value_put_text(arena, value, "region", shown->key.region);
    value_put_text(arena, value, "name", shown->key.name);
    value_put_text(arena, value, "status", shown->status);
    value_put_text(arena, value, "trigger", shown->trigger);
    value_put_text(arena, value, "source", shown->source);
    value_put_text(arena, value, "destination", shown->destination);
    value_put_text(arena, value, "lastUpdatedAt", arena_copy(arena, str_from(time)));
    return value;
}

static void print_value(struct arena *arena, const struct value *value)
{
    struct buf json = buf_in(arena, JSON_MAX);
    value_encode(&json, value);
    terminal_print_json(stdout, buf_str(&json));
    putchar('\n');
}

void shown_flows_print_json(struct arena *arena, const struct shown_flow *rows, size_t count)
{
    struct arena line = arena_beside(arena);
    for (size_t i = 0; i < count; i++) {
        print_value(&line, flow_value(&line, &rows[i]));
        arena_reset(&line);
    }
    arena_done(&line);
}

/* --- one flow --- */

static struct str joined(struct arena *arena, const struct value *list, bool with_names)
{
    struct buf text = buf_in(arena, FLOW_DEFINITION_MAX);
    for (size_t i = 0; list && i < list->count; i++)
        buf_printf(&text, "%s%.*s%s%.*s", i > 0 ? ", " : "",
                   STR_ARG(with_names ? list->names[i] : STR("")), with_names ? "=" : "",
                   STR_ARG(list->items[i]->kind == VALUE_STRING ? list->items[i]->text : STR("")));
    return buf_str(&text);
}

static struct str operator_text(const struct value *task)
{
    const struct value *given = first_item(value_get(task, "connectorOperator"));
    return given && given->kind == VALUE_STRING ? given->text : STR("NO_OP");
}

static void print_tasks(struct arena *arena, const struct value *tasks)
{
    static const struct table_column columns[] = {
        {"TASK", 8, false}, {"OPERATOR", 8, false},    {"FIELDS", 12, false},
        {"TO", 8, false},   {"PROPERTIES", 12, false},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(*columns) };
    size_t count = tasks ? tasks->count : 0;
    struct str *cells = arena_array(arena, struct str, count * COLUMNS + 1);
    for (size_t i = 0; i < count; i++) {
        const struct value *task = tasks->items[i];
        const struct str texts[COLUMNS] = {
            value_text(task, "taskType"),
            operator_text(task),
            joined(arena, value_get(task, "sourceFields"), false),
            value_text(task, "destinationField"),
            joined(arena, value_get(task, "taskProperties"), true),
        };
        memcpy(&cells[i * COLUMNS], texts, sizeof(texts));
    }
    putchar('\n');
    table_print(columns, COLUMNS, cells, count);
}

static struct str tags_text(struct arena *arena, const struct flow_page_texts *page)
{
    struct buf text = buf_in(arena, TAGS_MAX * 512);
    for (size_t i = 0; i < page->tag_count; i++)
        buf_printf(&text, "%s%.*s=%.*s", i > 0 ? ", " : "", STR_ARG(page->tags[i].key),
                   STR_ARG(page->tags[i].value));
    return buf_str(&text);
}

/* The times of an active schedule that a page shows; 0: none. */
struct shown_times {
    int64_t next_ms, pulled_to_ms;
};

/* A slot that is due and has no run yet comes next. */
static struct shown_times times_of(const struct flow_page_texts *page)
{
    const struct flow_schedule_row *row = page->schedule;
    struct shown_times times = {0, row && row->pulled_from_ms > 0 ? row->pulled_to_ms : 0};
    struct flow_schedule schedule;
    int64_t next_ms;
    if (row && str_eq(page->shown->status, STR("Active")) &&
        flow_schedule_read(value_get(page->definition, "triggerConfig"), &schedule) &&
        flow_schedule_next(&schedule, row->anchor_ms, row->done_until_ms, &next_ms))
        times.next_ms = next_ms;
    return times;
}

static struct str second(struct arena *arena, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_text(ms, text);
    return arena_copy(arena, str_from(text));
}

static void print_schedule(struct arena *arena, const struct flow_page_texts *page)
{
    const struct shown_times times = times_of(page);
    struct str message = page->schedule ? page->schedule->message : STR_NULL;
    if (times.next_ms > 0)
        terminal_print_wrapped("Next run", second(arena, times.next_ms));
    if (times.pulled_to_ms > 0)
        terminal_print_wrapped("Pulled until", second(arena, times.pulled_to_ms));
    if (message.data)
        terminal_print_wrapped("Why", message);
}

static void print_page(struct arena *arena, const struct flow_page_texts *page)
{
    const struct shown_flow *shown = page->shown;
    struct str description = value_text(page->definition, "description");
    terminal_print_wrapped("Name", shown->key.name);
    terminal_print_wrapped("Account", arena_printf(arena, "%.*s, %.*s", STR_ARG(shown->key.account),
                                                   STR_ARG(shown->key.region)));
    if (description.len > 0)
        terminal_print_wrapped("About", description);
    terminal_print_wrapped("State", shown->status);
    terminal_print_wrapped("Trigger", shown->trigger);
    print_schedule(arena, page);
    terminal_print_wrapped("From", shown->source);
    terminal_print_wrapped("To", shown->destination);
    terminal_print_wrapped(
        "Changed", arena_printf(arena, "%.*s UTC", STR_ARG(minute(arena, shown->updated_at_ms))));
    if (page->tag_count > 0)
        terminal_print_wrapped("Tags", tags_text(arena, page));
    print_tasks(arena, value_get(page->definition, "tasks"));
}

static void put_schedule(struct arena *arena, const struct flow_page_texts *page,
                         struct value *value)
{
    const struct shown_times times = times_of(page);
    if (times.next_ms > 0)
        value_put_text(arena, value, "nextRunAt", second(arena, times.next_ms));
    if (times.pulled_to_ms > 0)
        value_put_text(arena, value, "pulledUntil", second(arena, times.pulled_to_ms));
}

void flow_page_print(struct arena *arena, const struct flow_page_texts *page, bool json)
{
    if (!json) {
        print_page(arena, page);
        return;
    }
    struct value *value = flow_value(arena, page->shown), *tags = value_new(arena, VALUE_MAP);
    for (size_t i = 0; i < page->tag_count; i++)
        value_put_text(arena, tags, arena_cstr(arena, page->tags[i].key), page->tags[i].value);
    value_put(arena, value, "tags", tags);
    put_schedule(arena, page, value);
    value_put_raw(arena, value, "definition", page->row->definition);
    print_value(arena, value);
}
