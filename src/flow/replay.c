/* Tasks and source of S3, around the destination of the flow. */
#include "flow/replay.h"

#include "base/buf.h"
#include "connector/writing.h"
#include "flow/definition.h"
#include "record/decoder.h"

#define MARK "headgateReplay" /* a member that no client can send */

static struct value *task(struct arena *arena, const char *type, const char *operation,
                          const char *field)
{
    struct value *row = value_structure(arena), *operators = value_structure(arena);
    struct value *fields = value_list(arena);
    value_append(arena, fields, value_string(arena, str_from(field)));
    value_put_text(arena, operators, "S3", str_from(operation));
    value_put_text(arena, row, "taskType", str_from(type));
    value_put(arena, row, "sourceFields", fields);
    value_put(arena, row, "connectorOperator", operators);
    return row;
}

static void add_property(struct arena *arena, struct value *task, const char *name,
                         const char *text)
{
    struct value *properties = (struct value *)value_get(task, "taskProperties");
    if (!properties) {
        properties = value_structure(arena);
        value_put(arena, task, "taskProperties", properties);
    }
    value_put_text(arena, properties, name, str_from(text));
}

/* Lines without a record are the vendor's answers, or of a record that was too long to be kept. An
 * insertion whose outcome is unknown may have been made: it is not made again. */
static struct value *tasks_of(struct arena *arena, bool inserts)
{
    struct value *tasks = value_list(arena);
    struct value *kept = task(arena, "Validate", "VALIDATE_NON_NULL", "record");
    struct value *refused = task(arena, "Filter", "EQUAL_TO", "errorCode");
    struct value *map = task(arena, "Map", "NO_OP", "record");
    add_property(arena, kept, "VALIDATION_ACTION", "DropRecord");
    add_property(arena, refused, "DATA_TYPE", "string");
    add_property(arena, refused, "VALUE", "Refused");
    value_put_text(arena, map, "destinationField", STR(RECORD_WHOLE_COLUMN));
    if (inserts)
        value_append(arena, tasks, refused);
    value_append(arena, tasks, kept);
    value_append(arena, tasks, map);
    return tasks;
}

static struct value *source_of(struct arena *arena, const struct value *errors, struct str flow,
                               struct str run_id)
{
    struct value *config = value_structure(arena), *properties = value_structure(arena);
    struct value *s3 = value_structure(arena), *format = value_structure(arena);
    struct str prefix = value_text(errors, "bucketPrefix");
    value_put_text(arena, format, "s3InputFileType", STR("JSON"));
    value_put_text(arena, s3, "bucketName", value_text(errors, "bucketName"));
    value_put_text(arena, s3, "bucketPrefix",
                   arena_printf(arena, "%.*s%s%.*s/%.*s/", STR_ARG(prefix),
                                prefix.len > 0 ? "/" : "", STR_ARG(flow), STR_ARG(run_id)));
    value_put(arena, s3, "s3InputFormatConfig", format);
    value_put(arena, properties, "S3", s3);
    value_put_text(arena, config, "connectorType", STR("S3"));
    value_put(arena, config, "sourceConnectorProperties", properties);
    return config;
}

bool flow_replay_make(const struct value *definition, struct str flow, struct str run_id,
                      struct arena *arena, struct str *ret_json, struct error *error)
{
    struct flow_definition read;
    struct value *made = value_structure(arena);
    struct buf json = buf_in(arena, FLOW_DEFINITION_MAX);
    flow_definition_read(definition, &read);
    const struct value *properties = flow_end_properties(&read.destination);
    const struct value *errors = value_get(properties, "errorHandlingConfig");
    bool keeps = read.destination.profile.data && value_text(errors, "bucketName").len > 0;
    if (!keeps)
        return fail(error, ERR_VALIDATION,
                    "Flow %.*s keeps no records that its destination did not take: that needs a "
                    "bucket in errorHandlingConfig of a destination with a connector profile.",
                    STR_ARG(flow));
    enum write_operation operation =
        write_operation_of(value_text(properties, "writeOperationType"));
    for (size_t i = 0; i < definition->count; i++) {
        const struct str *name = &definition->names[i];
        if (!str_eq(*name, STR("sourceFlowConfig")) && !str_eq(*name, STR("tasks")))
            value_put(arena, made, arena_cstr(arena, *name), definition->items[i]);
    }
    value_put(arena, made, "sourceFlowConfig", source_of(arena, errors, flow, run_id));
    value_put(arena, made, "tasks", tasks_of(arena, operation == WRITE_INSERT));
    value_put_text(arena, made, MARK, run_id);
    value_encode(&json, made);
    *ret_json = buf_str(&json);
    return !json.overflow ||
           fail(error, ERR_VALIDATION, "The definition of flow %.*s is too long for a replay.",
                STR_ARG(flow));
}

bool flow_replay_check(const struct record_batch *batch, struct str page, struct error *error)
{
    for (size_t i = 0; i < batch->rows; i++) {
        const struct record_cell *cell = &batch->columns[0].cells[i];
        if (cell->kind != RECORD_NESTED || cell->len == 0 || cell->text[0] != '{')
            return fail(error, ERR_VALIDATION,
                        "%.*s, line %llu: \"record\" is no JSON object. Mend the line, or delete "
                        "it.",
                        STR_ARG(page), (unsigned long long)batch->places[i].line);
    }
    return true;
}

bool flow_is_replay(const struct value *definition)
{
    return value_text(definition, MARK).len > 0;
}
