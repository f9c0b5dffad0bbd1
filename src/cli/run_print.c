/* A run as a line, as a row, and as JSON. */
#include "cli/run_print.h"

#include "cli/shown_time.h"
#include "cli/table.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

enum { JSON_MAX = 64 * 1024 };

static struct str state_of(const struct value *record)
{
    return value_text(record, "executionStatus");
}

bool run_has_ended(const struct value *record)
{
    struct str state = state_of(record);
    return str_eq(state, STR("Successful")) || str_eq(state, STR("Error")) ||
           str_eq(state, STR("Canceled"));
}

static long long count_of(const struct value *record, const char *name)
{
    return (long long)value_integer(value_get(record, "executionResult"), name, 0);
}

static struct str message_of(const struct value *record)
{
    const struct value *info = value_get(value_get(record, "executionResult"), "errorInfo");
    return value_text(info, "executionMessage");
}

static double seconds_of(const struct value *record)
{
    return (double)(shown_time_ms(record, "lastUpdatedAt") - shown_time_ms(record, "startedAt")) /
           1000;
}

static void print_registration(struct arena *arena, const struct value *detail, const char *what,
                               const struct value *output)
{
    struct str name = terminal_text(arena, value_text(detail, "tableName"));
    struct str status = terminal_text(arena, value_text(output, "status"));
    if (!output)
        return;
    printf("%s %.*s: %.*s\n", what, STR_ARG(name), STR_ARG(status));
    if (value_text(output, "message").len > 0)
        terminal_print_wrapped(" ", value_text(output, "message"));
}

/* Of a data catalog. */
static void print_tables(struct arena *arena, const struct value *details)
{
    for (size_t i = 0; details && details->kind == VALUE_LIST && i < details->count; i++) {
        const struct value *detail = details->items[i];
        print_registration(arena, detail, "Table", value_get(detail, "tableRegistrationOutput"));
        print_registration(arena, detail, "Partitions of table",
                           value_get(detail, "partitionRegistrationOutput"));
    }
}

void run_print(struct arena *arena, const struct value *record)
{
    struct str state = terminal_text(arena, state_of(record));
    struct str id = terminal_text(arena, value_text(record, "executionId"));
    printf("Run %.*s: %.*s after %.1f s, %lld records, %lld bytes read, %lld bytes written\n",
           STR_ARG(id), STR_ARG(state), seconds_of(record), count_of(record, "recordsProcessed"),
           count_of(record, "bytesProcessed"), count_of(record, "bytesWritten"));
    if (message_of(record).len > 0)
        terminal_print_wrapped(" ", message_of(record));
    print_tables(arena, value_get(record, "metadataCatalogDetails"));
}

void run_print_json(struct arena *arena, const struct value *record)
{
    struct buf json = buf_in(arena, JSON_MAX);
    value_encode(&json, record);
    terminal_print_json(stdout, buf_str(&json));
    putchar('\n');
}

void runs_print(struct arena *arena, const struct value *const *records, size_t count)
{
    static const struct table_column columns[] = {
        {"RUN", 36, false},    {"STATE", 5, false}, {"STARTED", 19, false}, {"SECONDS", 7, true},
        {"RECORDS", 7, false}, {"READ", 4, true},   {"WRITTEN", 7, true},   {"MESSAGE", 12, true},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(*columns) };
    struct str *cells = arena_array(arena, struct str, count * COLUMNS + 1);
    for (size_t i = 0; i < count; i++) {
        const struct value *record = records[i];
        const struct str texts[COLUMNS] = {
            value_text(record, "executionId"),
            state_of(record),
            shown_second(arena, shown_time_ms(record, "startedAt")),
            arena_printf(arena, "%.1f", seconds_of(record)),
            arena_printf(arena, "%lld", count_of(record, "recordsProcessed")),
            arena_printf(arena, "%lld", count_of(record, "bytesProcessed")),
            arena_printf(arena, "%lld", count_of(record, "bytesWritten")),
            message_of(record).data ? message_of(record) : STR(""),
        };
        memcpy(&cells[i * COLUMNS], texts, sizeof(texts));
    }
    table_print(columns, COLUMNS, cells, count);
}
