/* The parts of a key, in their order. */
#include "flow/object_key.h"

#include "base/buf.h"
#include "base/clock.h"
#include "flow/definition.h"
#include "flow/engine_run.h"
#include "flow/staging.h"
#include "wire/s3_name.h"

/* Characters of "2026-01-31T23:59:59" that each granularity reaches to. */
static const struct {
    struct str format;
    size_t reach;
} granularities[] = {
    {STR("YEAR"), 4}, {STR("MONTH"), 7}, {STR("DAY"), 10}, {STR("HOUR"), 13}, {STR("MINUTE"), 16},
};

static bool is_one_object(const struct value *s3)
{
    const struct value *output = value_get(s3, "s3OutputFormatConfig");
    return str_eq(value_text(value_get(output, "aggregationConfig"), "aggregationType"),
                  STR("SingleFile"));
}

static bool has_folders(const struct value *tasks)
{
    for (size_t i = 0; tasks && i < tasks->count; i++) {
        if (str_eq(value_text(tasks->items[i], "taskType"), STR("Partition")))
            return true;
    }
    return false;
}

struct object_key_config object_key_config_of(const struct flow_engine_run *run)
{
    struct flow_definition definition;
    flow_definition_read(run->definition, &definition);
    const struct value *s3 = flow_end_objects(&definition.destination);
    if (!s3)
        s3 = flow_staging(&definition.destination, run->arena);
    return (struct object_key_config){
        .flow = run->row->flow.name,
        .run = run->row->id,
        .started_at_ms = run->row->started_at_ms,
        .schema_version = value_integer(run->definition, "schemaVersion", 1),
        .s3 = s3,
        .has_parts = !is_one_object(s3),
        .has_folders = has_folders(value_get(run->definition, "tasks")),
    };
}

static const struct value *prefix_config(const struct object_key_config *config)
{
    return value_get(value_get(config->s3, "s3OutputFormatConfig"), "prefixConfig");
}

static bool hierarchy_has(const struct object_key_config *config, struct str name)
{
    const struct value *hierarchy = value_get(prefix_config(config), "pathPrefixHierarchy");
    for (size_t i = 0; hierarchy && i < hierarchy->count; i++) {
        if (str_eq(hierarchy->items[i]->text, name))
            return true;
    }
    return false;
}

static bool type_has(const struct object_key_config *config, struct str part)
{
    return str_contains(value_text(prefix_config(config), "prefixType"), part);
}

/* "2026/01/31/23/59/", as far as prefixFormat says. */
static void add_date(struct buf *key, const struct object_key_config *config)
{
    struct str format = value_text(prefix_config(config), "prefixFormat");
    char text[CLOCK_TEXT_SIZE];
    size_t reach = 0;
    clock_text(config->started_at_ms, text);
    for (size_t i = 0; i < sizeof(granularities) / sizeof(*granularities); i++) {
        if (str_eq(granularities[i].format, format))
            reach = granularities[i].reach;
    }
    for (size_t i = 0; i < reach; i++)
        buf_add_char(key, ascii_is_digit(text[i]) ? text[i] : '/');
    if (reach > 0)
        buf_add_char(key, '/');
}

static void add_version_folders(struct buf *key, const struct object_key_config *config)
{
    struct str prefix = value_text(config->s3, "bucketPrefix");
    if (prefix.len > 0)
        buf_printf(key, "%.*s/", STR_ARG(prefix));
    buf_printf(key, "%.*s/", STR_ARG(config->flow));
    if (hierarchy_has(config, STR("SCHEMA_VERSION")))
        buf_printf(key, "schemaVersion_%lld/", (long long)config->schema_version);
}

static void add_folders(struct buf *key, const struct object_key_config *config)
{
    add_version_folders(key, config);
    if (type_has(config, STR("PATH")))
        add_date(key, config);
    if (hierarchy_has(config, STR("EXECUTION_ID")))
        buf_printf(key, "%.*s/", STR_ARG(config->run));
}

struct str object_key_prefix(const struct object_key_config *config, struct arena *arena)
{
    struct buf key = buf_in(arena, 2 * S3_KEY_MAX);
    add_folders(&key, config);
    return buf_str(&key);
}

struct str object_key_version_prefix(const struct object_key_config *config, struct arena *arena)
{
    struct buf key = buf_in(arena, 2 * S3_KEY_MAX);
    add_version_folders(&key, config);
    return buf_str(&key);
}

bool object_key_is_own(const struct object_key_config *config, struct str key)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    bool is_own =
        str_starts(key, object_key_prefix(config, &arena)) && str_contains(key, config->run);
    arena_done(&arena);
    return is_own;
}

bool object_key(const struct object_key_config *config, struct str partition, uint64_t number,
                struct arena *arena, struct str *ret_key, struct error *error)
{
    struct buf key = buf_in(arena, 2 * S3_KEY_MAX);
    char text[CLOCK_TEXT_SIZE];
    clock_text(config->started_at_ms, text);
    add_folders(&key, config);
    buf_add(&key, partition);
    buf_add(&key, config->run);
    if (config->has_parts)
        buf_printf(&key, "-%05llu", (unsigned long long)number);
    if (type_has(config, STR("FILENAME")))
        buf_printf(&key, "-%.19s", text);
    *ret_key = buf_str(&key);
    if (number >= OBJECT_NUMBER_MAX)
        return fail(error, ERR_VALIDATION, "A run writes at most %d objects.", OBJECT_NUMBER_MAX);
    return (!key.overflow && key.len <= S3_KEY_MAX) ||
           fail(error, ERR_VALIDATION,
                "The objects of the flow would have keys of more than %d bytes: bucketPrefix must "
                "be shorter.",
                S3_KEY_MAX);
}

/* Where the file's name begins in a key. */
static size_t file_at(struct str key)
{
    size_t at = key.len;
    while (at > 0 && key.data[at - 1] != '/')
        at--;
    return at;
}

bool object_key_has_run(const struct object_key_config *config)
{
    return hierarchy_has(config, STR("EXECUTION_ID"));
}

struct str object_key_folder(const struct object_key_config *config, struct str key)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    size_t from = object_key_prefix(config, &arena).len, at = file_at(key);
    arena_done(&arena);
    return at > from ? (struct str){key.data + from, at - from} : STR("");
}

/* Whether a Partition task may have made the folders: NAME=VALUE/ each. */
static bool is_folder(const struct object_key_config *config, struct str folder)
{
    bool has_name = false;
    if (!config->has_folders)
        return folder.len == 0;
    for (size_t i = 0; i < folder.len; i++) {
        if (folder.data[i] == '/' && !has_name)
            return false;
        has_name = folder.data[i] != '/' && (has_name || folder.data[i] == '=');
    }
    return folder.len > 0 && !has_name;
}

/* The number is read, and the key must be the one that it makes. */
static bool read_number(const struct object_key_config *config, struct str key, struct arena *arena,
                        uint64_t *ret_number)
{
    struct str prefix = object_key_prefix(config, arena), made;
    size_t at = file_at(key), digits = at + config->run.len + 1, end = digits;
    unsigned long long number = 0;
    struct error ignored;
    if (!str_starts(key, prefix) || at < prefix.len)
        return false;
    while (config->has_parts && end < key.len && ascii_is_digit(key.data[end]))
        end++;
    if (config->has_parts && (end <= digits || end > key.len ||
                              !str_to_u64((struct str){key.data + digits, end - digits},
                                          OBJECT_NUMBER_MAX - 1, &number)))
        return false;
    struct str folder = {key.data + prefix.len, at - prefix.len};
    *ret_number = number;
    return is_folder(config, folder) &&
           object_key(config, folder, number, arena, &made, &ignored) && str_eq(made, key);
}

bool object_key_number(const struct object_key_config *config, struct str key, uint64_t *ret_number)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    bool is_own = read_number(config, key, &arena, ret_number);
    arena_done(&arena);
    return is_own;
}
