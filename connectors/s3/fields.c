/* The fields of a prefix: those that the first object with bytes shows, since a flow reads all keys
 * that begin with its prefix. No more of it is read than a record may be long. */
#include "connectors/s3/entities.h"

#include "base/encode.h"
#include "connector/connector.h"
#include "connector/entity_field.h"
#include "connector/filter_operators.h"
#include "connector/http/entity_source.h"
#include "connectors/s3/beginning.h"
#include "connectors/s3/pages.h"
#include "record/first_record.h"
#include "wire/errors.h"

enum {
    LOOK_FIRST = 64 * 1024, /* bytes of an object that are read at first; then … */
    LOOK_TIMES = 8,         /* … so many times as many, as long as a record does not end */
};

/* --- the object that is looked at --- */

struct s3_search {
    struct s3_query query;
    struct s3_entry entry; /* in the connection's arena; size 0: none was found */
    bool any;              /* there is an object, if only an empty one */
};

/* What ends with '/' stands for a folder. */
static bool find_object(struct s3_paging *paging, struct str token, struct arena *page,
                        struct str *ret_next)
{
    struct s3_search *search = paging->context;
    struct arena *arena = vendor_config(paging->connection)->arena;
    struct s3_page found;
    struct error error = {0};
    search->query.token = token;
    if (!s3_list(paging->s3, &search->query, page, &found, &error))
        return s3_fail_verdict(paging->connection, &error);
    for (size_t i = 0; i < found.count; i++) {
        const struct s3_entry *each = &found.entries[i];
        if (str_ends(each->key, STR("/")))
            continue;
        search->any = true;
        if (each->size == 0)
            continue;
        search->entry = (struct s3_entry){.key = arena_copy(arena, each->key),
                                          .etag = arena_copy(arena, each->etag),
                                          .size = each->size};
        return true;
    }
    *ret_next = found.next_token;
    return true;
}

static bool find(struct vendor_connection *connection, const struct s3 *s3, struct str name,
                 struct s3_search *search)
{
    struct s3_paging paging = {
        .connection = connection, .s3 = s3, .read = find_object, .context = search};
    search->query = s3_place_of(name);
    return s3_paging_run(&paging) &&
           (search->entry.size > 0 ||
            entity_absent(connection, name,
                          search->any ? "has no fields: each object there is empty"
                                      : "has no fields: no object's key begins with it"));
}

/* --- fields --- */

static const char *const comparisons[] = {"EQUAL_TO",     "NOT_EQUAL_TO",
                                          "LESS_THAN",    "LESS_THAN_OR_EQUAL_TO",
                                          "GREATER_THAN", "GREATER_THAN_OR_EQUAL_TO",
                                          "BETWEEN"};

#define COMPARED .operators = LIST(comparisons)

/* By the kind of the first record's value. Filters compare as a task's DATA_TYPE says, so a text
 * may be a number or a time. */
static const struct {
    const char *type;
    struct connector_texts operators, values;
} kinds[RECORD_KINDS] = {
    [RECORD_NULL] = {"string", COMPARED},
    [RECORD_TEXT] = {"string", COMPARED},
    [RECORD_INTEGER] = {"integer", COMPARED},
    [RECORD_DECIMAL] = {"decimal", COMPARED},
    [RECORD_BOOLEAN] = {"boolean", LIST(filter_equal), LIST(filter_true_or_false)},
    [RECORD_NESTED] = {.type = "object"},
};

static enum record_kind kind_of(const struct record_batch *batch, bool is_json, size_t column)
{
    return is_json ? (enum record_kind)batch->columns[column].cells[0].kind : RECORD_TEXT;
}

static const char *type_of(const struct record_batch *batch, bool is_json, size_t column)
{
    enum record_kind kind = kind_of(batch, is_json, column);
    bool is_list = kind == RECORD_NESTED && batch->columns[column].cells[0].text[0] == '[';
    return is_list ? "list" : kinds[kind].type;
}

static bool take_fields(struct vendor_connection *connection, const struct record_batch *batch,
                        bool is_json, struct entity_fields *fields)
{
    struct arena scratch = arena_beside(vendor_config(connection)->arena);
    unsigned roles = vendor_config(connection)->target->connector->roles;
    bool taken = true;
    for (size_t i = 0; i < batch->column_count && taken; i++) {
        enum record_kind kind = kind_of(batch, is_json, i);
        const struct entity_field field = {.name = batch->columns[i].name,
                                           .type = str_from(type_of(batch, is_json, i)),
                                           .operators = kinds[kind].operators,
                                           .values = kinds[kind].values,
                                           .creatable = true,
                                           .nullable = true};
        arena_reset(&scratch);
        taken = entity_fields_add(fields, entity_field_value(&scratch, roles, &field));
    }
    arena_done(&scratch);
    return taken || entity_too_many(connection, "fields", fields->no_room);
}

static bool fail_unfit(struct vendor_connection *connection, const struct s3_search *search,
                       const char *why)
{
    struct arena *arena = vendor_config(connection)->arena;
    struct str message =
        arena_printf(arena, "s3://%.*s/%.*s shows no fields. %s", STR_ARG(search->query.bucket),
                     STR_ARG(utf8_cut(search->entry.key, ENTITY_NAME_MAX)), why);
    return vendor_fail(connection, VERDICT_ABSENT, STEP_NONE, message,
                       "A flow reads CSV with a header, and JSON with one record a line.");
}

static bool take(struct vendor_connection *connection, const struct s3_search *search,
                 const struct s3_beginning *beginning, struct entity_fields *fields, bool *ret_cut)
{
    struct record_batch batch;
    struct error error = {0};
    bool is_json, taken = false;
    switch (first_record_read(beginning->text, beginning->is_whole, &batch, &is_json, &error)) {
    case FIRST_RECORD_READ:
        taken = take_fields(connection, &batch, is_json, fields);
        break;
    case FIRST_RECORD_CUT:
        *ret_cut = true;
        break;
    case FIRST_RECORD_NONE:
        fail_unfit(connection, search, "It has neither a header nor a record.");
        break;
    case FIRST_RECORD_UNFIT:
        fail_unfit(connection, search, error.message);
        break;
    }
    record_batch_done(&batch);
    return taken;
}

/* What `look` bytes of the object show; *ret_cut: too few to see a record. */
static bool look_at(struct vendor_connection *connection, const struct s3 *s3,
                    const struct s3_search *search, uint64_t look, struct entity_fields *fields,
                    bool *ret_cut)
{
    struct arena arena = arena_beside(vendor_config(connection)->arena);
    struct s3_beginning beginning;
    struct error error = {0};
    bool taken = false;
    *ret_cut = false;
    if (s3_beginning_read(s3, search->query.bucket, &search->entry, look, &arena, &beginning,
                          &error))
        taken = take(connection, search, &beginning, fields, ret_cut);
    else if (error.code == ERR_VALIDATION)
        fail_unfit(connection, search, error.message);
    else
        s3_fail_verdict(connection, &error);
    arena_done(&arena);
    return taken;
}

static bool look_further(struct vendor_connection *connection, const struct s3 *s3,
                         const struct s3_search *search, struct entity_fields *fields)
{
    uint64_t look = LOOK_FIRST;
    bool cut;
    while (!look_at(connection, s3, search, look, fields, &cut)) {
        if (!cut)
            return false;
        if (look == S3_BEGINNING_MAX)
            return fail_unfit(connection, search, "Its first record is longer than 4 MiB.");
        look = look * LOOK_TIMES < S3_BEGINNING_MAX ? look * LOOK_TIMES : S3_BEGINNING_MAX;
    }
    return true;
}

bool s3_describe_entity(struct vendor_connection *connection, const struct entity_query *query,
                        struct entity_fields *fields)
{
    struct s3_session session = {0};
    struct s3_search search = {0};
    bool described = s3_open(connection, &session) &&
                     find(connection, &session.s3, query->name, &search) &&
                     look_further(connection, &session.s3, &search, fields) &&
                     vendor_accept(connection, STEP_API);
    s3_session_done(&session);
    return described;
}
