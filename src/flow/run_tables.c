/* The tables of a run, one after the other. */
#include "flow/run_tables.h"

#include "auth/aws_role_cache.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "flow/definition.h"
#include "flow/flow.h"
#include "flow/table_input.h"
#include "flow/table_partitions.h"
#include "profile/context.h"
#include "wire/errors.h"

enum table_kind { TABLE_LATEST, TABLE_OF_VERSION, TABLE_OF_RUN, TABLE_KINDS };

/* The folders between those of a schemaVersion and a partition's, as one more partition key: else
 * two runs would have the same partition in different places. */
#define RUN_FOLDER_KEY STR("run_folder")

struct run_tables {
    struct flow_engine_run *run;
    const struct value *config; /* glueDataCatalog */
    struct object_key_config keys;
    struct arena arena;
    struct str arn, run_folder; /* of the flow; of the run, without the last '/', or "" */
    int64_t created_at_ms;      /* the flow */
    struct run_folders folders;
    struct column_labels labels;
    struct aws_role role;
    struct aws_access access;
    struct glue glue;
    bool was_cut_off; /* a call was given up: the run may be to end */
};

/* What became of one table, or of its partitions. */
struct outcome {
    bool was_tried;
    size_t changed;
    struct error error; /* ERR_NONE: it went well */
};

static const char *const outcome_names[] = {"registered", "failed"};
enum { OUTCOMES = sizeof(outcome_names) / sizeof(*outcome_names) };

const struct metric metric_run_tables = {
    "headgate_table_registrations_total",
    "Tables of a data catalog that runs of flows were registered in, or were to be.",
    .labels = {{"outcome", OUTCOMES, outcome_names, NULL}},
    METRIC_SERIES(OUTCOMES),
};

/* --- names and places --- */

/* The characters that all readers take in the name of a table. */
static void add_adapted(struct buf *name, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = ascii_lower(text.data[i]);
        buf_add_char(name, ascii_is_lower_alnum(c) ? c : '_');
    }
}

static struct str table_name(const struct run_tables *self, enum table_kind kind,
                             struct arena *arena)
{
    struct buf name = buf_in(arena, 2048);
    buf_add(&name, arena_lower(arena, value_text(self->config, "tablePrefix")));
    buf_add_cstr(&name, "_appflow_");
    add_adapted(&name, self->keys.flow);
    if (kind == TABLE_LATEST) {
        buf_printf(&name, "_%lld_latest", (long long)(self->created_at_ms / 1000));
        return buf_str(&name);
    }
    buf_printf(&name, "_%lld", (long long)self->keys.schema_version);
    if (kind == TABLE_OF_RUN) {
        buf_add_char(&name, '_');
        add_adapted(&name, self->keys.run);
    }
    return buf_str(&name);
}

static struct str location(const struct run_tables *self, enum table_kind kind, struct arena *arena)
{
    struct str bucket = value_text(self->keys.s3, "bucketName");
    struct str prefix = kind == TABLE_OF_VERSION ? object_key_version_prefix(&self->keys, arena)
                                                 : object_key_prefix(&self->keys, arena);
    return arena_printf(arena, "s3://%.*s/%.*s", STR_ARG(bucket), STR_ARG(prefix));
}

/* What the run's folder has beyond that of its schemaVersion. */
static struct str run_folder(const struct object_key_config *keys, struct arena *arena)
{
    struct str all = object_key_prefix(keys, arena);
    size_t from = object_key_version_prefix(keys, arena).len;
    return all.len > from ? (struct str){all.data + from, all.len - from - 1} : STR("");
}

static bool has_run_folder_key(const struct run_tables *self, enum table_kind kind)
{
    return kind == TABLE_OF_VERSION && self->folders.key_count > 0 && self->run_folder.len > 0;
}

static bool kind_applies(const struct run_tables *self, enum table_kind kind)
{
    return kind != TABLE_OF_RUN || object_key_has_run(&self->keys);
}

/* --- one table --- */

static bool fail_of_others(struct str name, struct error *error)
{
    return fail(error, ERR_CONFLICT,
                "There is a table %.*s that was not made for this flow, and it is left as it is. "
                "Choose another tablePrefix, or delete it.",
                STR_ARG(name));
}

/* One that was made meanwhile may be this flow's, by a call whose answer was lost. */
static bool put(const struct run_tables *self, struct table_input *input, struct arena *arena,
                struct value **ret_table, struct error *error)
{
    const struct glue *glue = &self->glue;
    for (bool is_again = false;; is_again = true) {
        if (!glue_table_find(glue, input->name, arena, &input->known, error))
            return false;
        if (input->known && !table_is_of_flow(input->known, self->arn))
            return fail_of_others(input->name, error);
        if (!table_input_make(input, arena, ret_table, error))
            return false;
        if (input->known && table_has_other_keys(input->known, input->keys, input->key_count)) {
            if (!glue_table_delete(glue, input->name, error))
                return false;
            input->known = NULL;
        }
        if (input->known)
            return glue_table_update(glue, *ret_table, error);
        if (glue_table_create(glue, *ret_table, error))
            return true;
        if (error->code != ERR_CONFLICT || is_again)
            return false;
        error->code = ERR_NONE;
    }
}

static size_t keys_of(const struct run_tables *self, enum table_kind kind,
                      struct str keys[PARTITION_KEYS_MAX + 1])
{
    size_t count = 0;
    if (has_run_folder_key(self, kind))
        keys[count++] = RUN_FOLDER_KEY;
    for (size_t i = 0; i < self->folders.key_count; i++)
        keys[count++] = self->folders.keys[i];
    return count;
}

static bool write_table(const struct run_tables *self, enum table_kind kind, struct str name,
                        struct arena *arena, struct value **ret_table, struct error *error)
{
    const struct run_columns *columns = &self->run->progress->columns;
    struct str keys[PARTITION_KEYS_MAX + 1];
    struct table_input input = {
        .name = name,
        .location = location(self, kind, arena),
        .flow_arn = self->arn,
        .format = object_format_of(self->keys.s3),
        .columns = columns,
        .labels = &self->labels,
        .keys = keys,
        .key_count = keys_of(self, kind, keys),
    };
    if (columns->fault.data)
        return fail(error, ERR_VALIDATION, "%.*s", STR_ARG(columns->fault));
    bool ok = put(self, &input, arena, ret_table, error);
    fault_point("tables:written");
    return ok;
}

static bool write_partitions(const struct run_tables *self, enum table_kind kind,
                             const struct value *table, struct arena *arena, size_t *ret_created,
                             struct error *error)
{
    const struct table_partitions partitions = {
        .glue = &self->glue,
        .table = table,
        .folders = &self->folders,
        .run_folder = has_run_folder_key(self, kind) ? self->run_folder : STR_NULL,
        .location = location(self, TABLE_LATEST, arena),
        .replaces = kind == TABLE_LATEST,
    };
    return table_partitions_write(&partitions, arena, ret_created, error);
}

/* --- what the record says --- */

static struct value *output_of(const struct outcome *outcome, struct arena *arena)
{
    struct value *output = value_structure(arena);
    bool ok = outcome->error.code == ERR_NONE;
    if (!ok)
        value_put_text(arena, output, "message",
                       arena_copy(arena, str_from(outcome->error.message)));
    value_put_text(arena, output, "result", arena_printf(arena, "%zu", outcome->changed));
    value_put_text(arena, output, "status", ok ? STR("Successful") : STR("Error"));
    return output;
}

static struct value *detail_of(struct str name, const struct outcome *table,
                               const struct outcome *partitions, struct arena *arena)
{
    struct value *detail = value_structure(arena);
    value_put_text(arena, detail, "catalogType", STR("GLUE"));
    value_put_text(arena, detail, "tableName", name);
    value_put(arena, detail, "tableRegistrationOutput", output_of(table, arena));
    if (partitions->was_tried)
        value_put(arena, detail, "partitionRegistrationOutput", output_of(partitions, arena));
    return detail;
}

static void report(struct run_tables *self, struct str name, const struct error *error)
{
    bool has_failed = error->code != ERR_NONE;
    self->was_cut_off |= error->code == ERR_UNAVAILABLE;
    metrics_count(&metric_run_tables, has_failed, 0);
    if (has_failed)
        log_warn("Run %.*s of flow %.*s (account %.*s, %.*s) was not registered in table %.*s: %s",
                 STR_ARG(self->keys.run), STR_ARG(self->keys.flow),
                 STR_ARG(self->run->row->flow.account), STR_ARG(self->run->row->flow.region),
                 STR_ARG(name), error->message);
}

/* What the tables after it would fail by as well. */
static bool is_of_all(const struct error *error)
{
    return error->code == ERR_CONNECTOR_SERVER || error->code == ERR_THROTTLING ||
           error->code == ERR_UNAVAILABLE;
}

/* `all`: what all tables fail by; ERR_NONE: nothing yet. */
static struct value *register_table(struct run_tables *self, enum table_kind kind,
                                    struct error *all, struct arena *arena)
{
    struct arena scratch = arena_beside(&self->arena);
    struct outcome table = {.error = *all}, partitions = {0};
    struct str name = table_name(self, kind, arena);
    struct value *written = NULL;
    if (all->code == ERR_NONE && write_table(self, kind, name, &scratch, &written, &table.error)) {
        table.changed = 1;
        partitions.was_tried = self->folders.key_count > 0;
    }
    if (partitions.was_tried)
        ignore_failure(write_partitions(self, kind, written, &scratch, &partitions.changed,
                                        &partitions.error));
    if (is_of_all(&table.error) || is_of_all(&partitions.error))
        *all = is_of_all(&table.error) ? table.error : partitions.error;
    report(self, name, table.error.code != ERR_NONE ? &table.error : &partitions.error);
    arena_done(&scratch);
    return detail_of(name, &table, &partitions, arena);
}

/* --- the run --- */

static bool is_over(void *context)
{
    return flow_engine_is_to_end(context);
}

static bool find_flow(struct run_tables *self, struct error *error)
{
    struct flow_engine_run *run = self->run;
    struct store *store = run->config->profiles->store;
    struct store_reader *reader;
    struct flow_row row;
    bool found = false;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = flow_row_find(reader, &self->arena, run->row->flow, &row, &found, error);
    store_reader_put(store, reader);
    self->created_at_ms = ok && found ? row.created_at_ms : run->row->started_at_ms;
    return ok;
}

static bool find_access(struct run_tables *self, struct error *error)
{
    const struct flow_engine_config *config = self->run->config;
    struct str region = self->run->row->flow.region, role = value_text(self->config, "roleArn");
    int64_t deadline_ms = clock_mono_ms() + RUN_TABLES_MS;
    /* The flow may be older than the check of its definition. */
    if (!aws_role_is_of_account(role, self->run->row->flow.account))
        return fail(
            error, ERR_ACCESS_DENIED,
            "The role of glueDataCatalog is not one of the flow's account. Update the flow.");
    if (!aws_role_get(config->glue->roles, config->glue->aws, config->glue->sts_url, region, role,
                      deadline_ms, &self->arena, &self->role, error))
        return false;
    self->access = *config->glue->aws;
    self->access.access_key_id = self->role.access_key_id;
    self->access.secret_access_key = self->role.secret_access_key;
    self->access.session_token = self->role.session_token;
    self->glue = (struct glue){
        .access = &self->access,
        .url = config->glue->url,
        .region = region,
        .database = value_text(self->config, "databaseName"),
        .deadline_ms = deadline_ms,
        .arena = &self->arena,
        .is_to_end = is_over,
        .context = self->run,
    };
    return true;
}

static void prepare(struct run_tables *self)
{
    struct flow_engine_run *run = self->run;
    self->arn = flow_arn(&self->arena, &run->row->flow);
    self->run_folder = run_folder(&self->keys, &self->arena);
    column_labels_init(&self->labels, value_get(run->definition, "tasks"), run->kept->description,
                       &self->arena);
}

static struct value *register_all(struct run_tables *self, struct arena *arena)
{
    struct error error = {0};
    struct value *details = value_list(arena);
    prepare(self);
    if (find_flow(self, &error) &&
        run_folders_read(self->run, &self->keys, &self->arena, &self->folders, &error))
        ignore_failure(find_access(self, &error));
    for (enum table_kind kind = 0; kind < TABLE_KINDS; kind++) {
        if (kind_applies(self, kind))
            value_append(arena, details, register_table(self, kind, &error, arena));
    }
    return details;
}

static void clear(struct run_tables *self)
{
    aws_role_done(&self->role);
    column_labels_done(&self->labels);
    run_folders_done(&self->folders);
    arena_done(&self->arena);
}

bool run_tables_write(struct flow_engine_run *run, struct str *ret_tables, struct error *error)
{
    struct run_tables self = {
        .run = run,
        .config = flow_data_catalog(run->definition),
        .arena = arena_beside(run->arena),
    };
    struct buf text = buf_in(run->arena, RUN_TABLES_TEXT_MAX);
    *ret_tables = STR_NULL;
    if (!self.config || run->progress->written == 0)
        return true;
    self.keys = object_key_config_of(run);
    value_encode(&text, register_all(&self, run->arena));
    clear(&self);
    *ret_tables = text.overflow ? STR_NULL : buf_str(&text);
    if (self.was_cut_off)
        ignore_failure(flow_engine_check(run, error)); /* which sets the wish */
    return run->wish != ENGINE_LEAVE ||
           fail(error, ERR_UNAVAILABLE, "The run is left while it is registered.");
}
