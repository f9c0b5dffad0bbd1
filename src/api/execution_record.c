/* What clients of runs read: the counts are there from the start, and errorInfo once something went
 * wrong. */
#include "api/execution_record.h"

#include "wire/json_value.h"

enum { TABLES_NODES_MAX = 256 };

static struct value *result_of(struct arena *arena, const struct flow_run_row *run)
{
    struct value *result = value_structure(arena), *info = value_structure(arena);
    value_put_integer(arena, info, "putFailuresCount", run->counts.put_failures);
    value_put_text(arena, info, "executionMessage", run->message);
    if (run->message.data || run->counts.put_failures > 0)
        value_put(arena, result, "errorInfo", info);
    value_put_integer(arena, result, "bytesProcessed", run->counts.bytes_read);
    value_put_integer(arena, result, "bytesWritten", run->counts.bytes_written);
    value_put_integer(arena, result, "recordsProcessed", run->counts.records);
    return result;
}

struct value *execution_tables(struct arena *arena, const struct flow_run_row *run)
{
    struct value *list = NULL;
    bool is_list = run->tables.data &&
                   json_parse_own(run->tables, TABLES_NODES_MAX, arena, &list) == JSON_READ &&
                   list->kind == VALUE_LIST;
    return is_list ? list : NULL;
}

struct value *execution_record(struct arena *arena, const struct flow_run_row *run)
{
    struct value *record = value_structure(arena);
    value_put_text(arena, record, "executionId", run->id);
    value_put_text(arena, record, "executionStatus", run->state);
    value_put(arena, record, "executionResult", result_of(arena, run));
    value_put_time(arena, record, "startedAt", run->started_at_ms);
    value_put_time(arena, record, "lastUpdatedAt", run->updated_at_ms);
    if (run->window_to_ms != 0) {
        value_put_time(arena, record, "dataPullStartTime", run->window_from_ms);
        value_put_time(arena, record, "dataPullEndTime", run->window_to_ms);
    }
    struct value *tables = execution_tables(arena, run);
    if (tables)
        value_put(arena, record, "metadataCatalogDetails", tables);
    return record;
}

struct value *execution_details(struct arena *arena, const struct flow_run_row *run)
{
    struct value *details = value_structure(arena);
    value_put_text(arena, details, "mostRecentExecutionMessage", run->message);
    value_put_time(arena, details, "mostRecentExecutionTime", run->updated_at_ms);
    value_put_text(arena, details, "mostRecentExecutionStatus", run->state);
    return details;
}
