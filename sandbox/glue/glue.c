/* From a request to an operation: who asks, which one, and what it does with the files. */
#include "sandbox/glue/glue.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "sandbox/glue/call.h"
#include "sandbox/glue/tables.h"
#include "wire/errors.h"
#include "wire/json_value.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    NODES_MAX = 1024 * 1024,
    ANSWER_MAX = 64 * 1024 * 1024,
};

struct glue_catalog {
    pthread_mutex_t lock; /* guards the files: two listeners use them */
    const char *dir;
    const struct signers *signers;
    bool is_open;
};

struct glue_catalog *glue_catalog_new(const char *dir, const struct signers *signers)
{
    struct glue_catalog *catalog = xcalloc(1, sizeof(*catalog));
    pthread_mutex_init(&catalog->lock, NULL);
    catalog->dir = dir;
    catalog->signers = signers;
    return catalog;
}

void glue_catalog_free(struct glue_catalog *catalog)
{
    if (!catalog)
        return;
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}

/* --- refusals --- */

bool glue_refuse(struct glue_call *call, const char *name, const char *words)
{
    call->refusal = name;
    call->words = words;
    return false;
}

bool glue_refuse_disk(struct glue_call *call, int fault)
{
    if (fault == EFBIG)
        return glue_refuse(call, "ResourceNumberLimitExceededException",
                           "The sandbox keeps no larger table.");
    return glue_refuse(call, "InternalServiceException", "The sandbox could not write its files.");
}

static bool need_database(struct glue_call *call)
{
    if (!call->database.data)
        return glue_refuse(call, "InvalidInputException",
                           "DatabaseName must be letters, digits, '_', '-' and '.'.");
    return database_exists(call->dir, call->database) ||
           glue_refuse(call, "EntityNotFoundException", "Database not found.");
}

/* What the table's file has. NULL: it was refused. */
struct value *glue_need_table(struct glue_call *call)
{
    if (!need_database(call))
        return NULL;
    struct value *kept =
        call->table.data ? table_read(call->dir, call->database, call->table, call->arena) : NULL;
    if (!kept)
        glue_refuse(call, "EntityNotFoundException", "Entity not found.");
    return kept;
}

/* --- databases --- */

static void create_database(struct glue_call *call)
{
    const struct value *input = value_get(call->input, "DatabaseInput");
    struct str name = glue_name(value_text(input, "Name"), call->arena);
    if (!name.data) {
        glue_refuse(call, "InvalidInputException",
                    "Name must be letters, digits, '_', '-' and '.'.");
        return;
    }
    int fault = database_make(call->dir, name);
    if (fault == EEXIST)
        glue_refuse(call, "AlreadyExistsException", "Database already exists.");
    else if (fault != 0)
        glue_refuse_disk(call, fault);
}

static struct value *database_value(struct glue_call *call, struct str name)
{
    struct value *database = value_structure(call->arena);
    value_put_text(call->arena, database, "Name", name);
    return database;
}

static void get_database(struct glue_call *call)
{
    call->database = glue_name(value_text(call->input, "Name"), call->arena);
    if (need_database(call))
        value_put(call->arena, call->output, "Database", database_value(call, call->database));
}

static void get_databases(struct glue_call *call)
{
    struct str *names;
    struct value *list = value_list(call->arena);
    size_t count = names_list(call->dir, STR_NULL, call->arena, &names);
    for (size_t i = 0; i < count; i++)
        value_append(call->arena, list, database_value(call, names[i]));
    value_put(call->arena, call->output, "DatabaseList", list);
}

/* --- tables --- */

static void copy_members(struct arena *arena, struct value *to, const struct value *from)
{
    for (size_t i = 0; i < from->count; i++)
        value_put(arena, to, arena_cstr(arena, from->names[i]), from->items[i]);
}

void glue_store(struct glue_call *call, struct str table, struct value *kept)
{
    int fault = table_write(call->dir, call->database, table, kept, call->arena);
    if (fault != 0)
        glue_refuse_disk(call, fault);
}

/* `before`: what its file has; NULL: it is new. */
static void put_table(struct glue_call *call, const struct value *input, struct str name,
                      const struct value *before)
{
    struct arena *arena = call->arena;
    struct value *kept = value_structure(arena), *table = value_structure(arena);
    const struct value *partitions = value_get(before, "Partitions");
    const struct value *created = value_get(value_get(before, "Table"), "CreateTime");
    copy_members(arena, table, input);
    value_put_text(arena, table, "DatabaseName", call->database);
    if (created)
        value_put(arena, table, "CreateTime", (struct value *)created);
    else
        value_put_integer(arena, table, "CreateTime", clock_wall_ms() / 1000);
    value_put_integer(arena, table, "UpdateTime", clock_wall_ms() / 1000);
    value_put(arena, kept, "Table", table);
    value_put(arena, kept, "Partitions",
              partitions ? (struct value *)partitions : value_list(arena));
    glue_store(call, name, kept);
}

/* Of CreateTable and UpdateTable. */
static void change_table(struct glue_call *call, bool is_new)
{
    const struct value *input = value_get(call->input, "TableInput");
    if (!need_database(call))
        return;
    struct str name = glue_name(value_text(input, "Name"), call->arena);
    if (!name.data) {
        glue_refuse(call, "InvalidInputException",
                    "TableInput.Name must be letters, digits, '_', '-' and '.'.");
        return;
    }
    const struct value *before = table_read(call->dir, call->database, name, call->arena);
    if (is_new && before)
        glue_refuse(call, "AlreadyExistsException", "Table already exists.");
    else if (!is_new && !before)
        glue_refuse(call, "EntityNotFoundException", "Entity not found.");
    else
        put_table(call, input, name, before);
}

static void create_table(struct glue_call *call)
{
    change_table(call, true);
}

static void update_table(struct glue_call *call)
{
    change_table(call, false);
}

static void get_table(struct glue_call *call)
{
    const struct value *kept = glue_need_table(call);
    if (kept)
        value_put(call->arena, call->output, "Table", (struct value *)value_get(kept, "Table"));
}

static void get_tables(struct glue_call *call)
{
    struct str *names;
    struct value *list = value_list(call->arena);
    if (!need_database(call))
        return;
    size_t count = names_list(call->dir, call->database, call->arena, &names);
    for (size_t i = 0; i < count; i++) {
        const struct value *kept = table_read(call->dir, call->database, names[i], call->arena);
        if (value_get(kept, "Table"))
            value_append(call->arena, list, (struct value *)value_get(kept, "Table"));
    }
    value_put(call->arena, call->output, "TableList", list);
}

static void delete_table(struct glue_call *call)
{
    int fault = 0;
    if (glue_need_table(call))
        fault = table_remove(call->dir, call->database, call->table);
    if (fault != 0)
        glue_refuse_disk(call, fault);
}

/* --- requests --- */

#define TARGET STR("AWSGlue.")

static const struct glue_operation {
    const char *name;
    const char *table; /* the member that names the table; NULL: none */
    void (*run)(struct glue_call *call);
} operations[] = {
    {"CreateDatabase", NULL, create_database},
    {"GetDatabase", NULL, get_database},
    {"GetDatabases", NULL, get_databases},
    {"CreateTable", NULL, create_table},
    {"UpdateTable", NULL, update_table},
    {"GetTable", "Name", get_table},
    {"GetTables", NULL, get_tables},
    {"DeleteTable", "Name", delete_table},
    {"GetPartitions", "TableName", glue_get_partitions},
    {"BatchCreatePartition", "TableName", glue_create_partitions},
    {"BatchDeletePartition", "TableName", glue_delete_partitions},
};

static struct str target_of(const struct sandbox_request *request)
{
    const struct str *target = http_find_header(request->head, STR("X-Amz-Target"));
    return target ? *target : STR("");
}

bool glue_catalog_takes(const struct sandbox_request *request)
{
    struct str host = request->host;
    bool is_own = request_host_is_own(host);
    bool is_amazon = str_starts(host, STR("glue.")) && str_ends(host, STR(".amazonaws.com"));
    return is_amazon || (is_own && str_starts(target_of(request), TARGET));
}

static const struct glue_operation *find_operation(struct str target)
{
    struct str name = {target.data + TARGET.len, target.len - TARGET.len};
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
        if (str_eq(name, str_from(operations[i].name)))
            return &operations[i];
    }
    return NULL;
}

static bool refuse_signature(struct glue_call *call, int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {ERR_MISSING_AUTHENTICATION, "MissingAuthenticationTokenException"},
        {ERR_INCOMPLETE_SIGNATURE, "IncompleteSignatureException"},
        {ERR_UNRECOGNIZED_CLIENT, "UnrecognizedClientException"},
        {ERR_INVALID_SIGNATURE, "InvalidSignatureException"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].code == code)
            return glue_refuse(call, names[i].name, "The request is not signed as it must be.");
    }
    return glue_refuse(call, "InternalServiceException", "The signature could not be checked.");
}

static bool open_catalog(struct glue_catalog *catalog, struct glue_call *call)
{
    int fault = catalog->is_open ? 0 : database_make(catalog->dir, STR(GLUE_DEMO_DATABASE));
    catalog->is_open = fault == 0 || fault == EEXIST;
    return catalog->is_open || glue_refuse_disk(call, fault);
}

static void run(struct glue_catalog *catalog, const struct sandbox_request *request,
                struct glue_call *call)
{
    struct error error = {0};
    struct value *input = NULL;
    struct str target = target_of(request);
    if (!signers_check(catalog->signers, request, STR("glue"), &error)) {
        refuse_signature(call, error.code);
        return;
    }
    const struct glue_operation *operation =
        str_starts(target, TARGET) ? find_operation(target) : NULL;
    if (!operation) {
        glue_refuse(call, "UnknownOperationException", "The sandbox's Glue has no such operation.");
        return;
    }
    if (json_parse_own(request->body, NODES_MAX, call->arena, &input) != JSON_READ ||
        input->kind != VALUE_STRUCTURE) {
        glue_refuse(call, "SerializationException", "The body is not a JSON object.");
        return;
    }
    call->input = input;
    call->database = glue_name(value_text(input, "DatabaseName"), call->arena);
    if (operation->table)
        call->table = glue_name(value_text(input, operation->table), call->arena);
    if (open_catalog(catalog, call))
        operation->run(call);
}

static struct value *answer_of(const struct glue_call *call)
{
    if (!call->refusal)
        return call->output;
    struct value *answer = value_structure(call->arena);
    value_put_text(call->arena, answer, "__type", str_from(call->refusal));
    value_put_text(call->arena, answer, "Message", str_from(call->words));
    return answer;
}

void glue_catalog_answer(struct glue_catalog *catalog, const struct sandbox_request *request,
                         struct http_exchange *exchange)
{
    char id[UUID_SIZE];
    struct glue_call call = {
        .dir = catalog->dir,
        .arena = &exchange->arena,
        .output = value_structure(&exchange->arena),
    };
    struct buf body = buf_in(call.arena, ANSWER_MAX);
    random_uuid(id);
    pthread_mutex_lock(&catalog->lock);
    run(catalog, request, &call);
    pthread_mutex_unlock(&catalog->lock);
    value_encode(&body, answer_of(&call));
    const struct http_header headers[] = {
        {STR("Content-Type"), STR("application/x-amz-json-1.1")},
        {STR("x-amzn-RequestId"), str_from(id)},
    };
    const struct http_response response = {.status = call.refusal ? 400 : 200,
                                           .headers = headers,
                                           .header_count = 2,
                                           .body = buf_str(&body)};
    http_respond(exchange, &response);
}
