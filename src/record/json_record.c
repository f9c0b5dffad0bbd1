/* Members as nodes of a graph whose edges are what stands between two values.
 *
 * An edge holds bytes of which it is known that they are valid after the value of its member, and
 * which member comes next: the way through the bytes would be the same again. So nothing is assumed
 * about records; one that differs from all others before it is only read more slowly. */
#include "record/json_record.h"

#include "base/hash.h"
#include "record/blocks.h"

#include <string.h>

enum {
    EDGES_MAX = 4,      /* of a member */
    GLUE_MAX = 64,      /* bytes of an edge */
    MEMBERS_MAX = 4096, /* beside those that are columns */
};

struct json_edge {
    char glue[GLUE_MAX];
    unsigned len;
    uint32_t first_bits; /* of the bytes that a block can compare */
    struct json_member *next;
};

struct json_member {
    struct map_link link;
    int column;
    unsigned edge_count;
    unsigned oldest; /* edge: the next one to be replaced */
    struct json_edge edges[EDGES_MAX];
};

void json_records_init(struct json_records *records, const struct record_columns *columns,
                       bool whole)
{
    static const struct str whole_name = STR(RECORD_WHOLE_COLUMN);
    const struct record_columns one = {&whole_name, 1};
    *records = (struct json_records){.whole = whole, .memory = {.kind = ARENA_PLAIN}};
    record_schema_init(&records->schema, whole ? &one : columns);
    json_names_init(&records->names);
    records->start = arena_new(&records->memory, struct json_member);
    records->end = arena_new(&records->memory, struct json_member);
    records->other = arena_new(&records->memory, struct json_member);
    records->other->column = RECORD_NO_COLUMN;
    records->stamps = arena_array(&records->memory, uint64_t, RECORD_COLUMNS_MAX);
}

void json_records_done(struct json_records *records)
{
    record_schema_done(&records->schema);
    json_names_done(&records->names);
    map_done(&records->members);
    arena_done(&records->memory);
}

static bool has_edge(const struct json_member *member, struct str glue)
{
    for (unsigned i = 0; i < member->edge_count; i++) {
        if (str_eq((struct str){member->edges[i].glue, member->edges[i].len}, glue))
            return true;
    }
    return false;
}

static void learn(struct json_member *from, const char *glue, size_t len, struct json_member *next)
{
    if (len > GLUE_MAX || has_edge(from, (struct str){glue, len}))
        return;
    struct json_edge *edge = &from->edges[from->oldest];
    from->oldest = (from->oldest + 1) % EDGES_MAX;
    if (from->edge_count < EDGES_MAX)
        from->edge_count++;
    memcpy(edge->glue, glue, len);
    edge->len = (unsigned)len;
    edge->first_bits = block_of_first(len < BLOCK_BYTES ? (unsigned)len : BLOCK_BYTES);
    edge->next = next;
}

static const struct json_edge *known_edge(const struct json_member *member, const char *p,
                                          const char *end)
{
    if (end - p <= GLUE_MAX) /* the value's first byte is in the window as well */
        return NULL;
    struct block block = block_load(p);
    for (unsigned i = 0; i < member->edge_count; i++) {
        const struct json_edge *edge = &member->edges[i];
        uint32_t same = block_same(block, edge->glue);
        if ((same & edge->first_bits) == edge->first_bits &&
            (edge->len <= BLOCK_BYTES ||
             memcmp(p + BLOCK_BYTES, edge->glue + BLOCK_BYTES, edge->len - BLOCK_BYTES) == 0))
            return edge;
    }
    return NULL;
}

static struct json_member *new_member(struct json_records *records, struct str name, uint64_t hash,
                                      int column)
{
    bool is_wanted = column != RECORD_NO_COLUMN;
    if (!is_wanted && (name.len > RECORD_NAME_MAX || records->members.count >= MEMBERS_MAX))
        return records->other;
    struct json_member *member = arena_new(&records->memory, struct json_member);
    member->link.name = arena_copy(&records->memory, name);
    member->column = column;
    map_add_hashed(&records->members, &member->link, hash);
    return member;
}

static struct json_member *member_named(struct json_records *records, struct str name)
{
    uint64_t hash = hash_text(name);
    struct map_link *found = map_find_hashed(&records->members, name, hash);
    if (found)
        return (struct json_member *)(void *)found;
    int column = record_schema_find(&records->schema, name, hash);
    if (column == RECORD_NO_COLUMN && records->schema.is_open)
        return NULL;
    return new_member(records, name, hash, column);
}

/* The member of a name as it came. NULL: it is a new one of an open schema. */
static struct json_member *member_of(struct json_records *records, const struct json_string *name)
{
    char decoded[JSON_NAME_ESCAPED_MAX];
    if (!name->escaped)
        return member_named(records, (struct str){name->text, name->len});
    if (name->len > sizeof(decoded))
        return records->schema.is_open ? NULL : records->other;
    size_t len = json_unescape(name, decoded);
    return member_named(records, (struct str){decoded, len});
}

/* Reads the glue at `p`, from `*member` to the next one, which may be records->end. */
static const char *read_glue(struct json_records *records, struct json_scan *scan, const char *p,
                             struct json_member **member)
{
    const char *from = p;
    bool is_first = *member == records->start;
    struct json_member *next = records->end;
    p = json_scan_to_name(scan, is_first ? p + 1 : p, is_first);
    if (!p)
        return NULL;
    if (*p == '}') {
        p++;
    } else {
        struct json_string name;
        p = json_scan_name(scan, p, &name);
        if (!p)
            return NULL;
        next = member_of(records, &name);
        if (!next)
            return json_scan_fail(scan, JSON_RECORD_NEW_NAMES, name.text);
    }
    learn(*member, from, (size_t)(p - from), next);
    *member = next;
    return p;
}

/* A text of any length, and with escapes. Without a batch, only whether it is valid. */
static const char *read_any_text(struct json_scan *scan, const char *p, struct record_batch *batch,
                                 struct record_cell *ret_cell)
{
    struct json_string string;
    p = json_scan_string(scan, p, &string);
    if (!p)
        return NULL;
    *ret_cell =
        (struct record_cell){.text = string.text, .len = (uint32_t)string.len, .kind = RECORD_TEXT};
    if (!string.escaped) {
        ret_cell->flags = RECORD_PLAIN;
    } else if (batch) {
        char *decoded = arena_take(&batch->texts, string.len);
        ret_cell->text = decoded;
        ret_cell->len = (uint32_t)json_unescape(&string, decoded);
        arena_resize(&batch->texts, decoded, string.len, ret_cell->len);
    }
    return p;
}

static const char *read_nested(struct json_scan *scan, const char *p, struct record_cell *ret_cell)
{
    const char *from = p;
    p = json_scan_value(scan, p, 1);
    if (p)
        *ret_cell =
            (struct record_cell){.text = from, .len = (uint32_t)(p - from), .kind = RECORD_NESTED};
    return p;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *read_other_value(struct json_scan *scan, const char *p,
                                    struct record_batch *batch, struct record_cell *ret_cell)
{
    if (is_blank(*p)) { /* the edge was learnt where no blanks came before the value */
        p = json_scan_next(scan, p);
        if (!p)
            return NULL;
    }
    switch (*p) {
    case '"':
        return read_any_text(scan, p + 1, batch, ret_cell);
    case '-':
    case '0' ... '9':
        return json_scan_number(scan, p, ret_cell);
    case 't':
    case 'f':
    case 'n':
        return json_scan_word(scan, p, ret_cell);
    default:
        return read_nested(scan, p, ret_cell);
    }
}

/* Any value. Without a batch, only whether it is valid. Most are texts that end in their first
 * block. */
static inline const char *read_value(struct json_scan *scan, const char *p,
                                     struct record_batch *batch, struct record_cell *ret_cell)
{
    if (*p != '"' || scan->end - p <= BLOCK_BYTES)
        return read_other_value(scan, p, batch, ret_cell);
    struct block block = block_load(p + 1);
    uint32_t special = block_json_special(block);
    unsigned first = special ? block_first(special) : 0;
    if (special == 0 || p[1 + first] != '"' ||
        (block_not_ascii(block) & block_of_first(first)) != 0)
        return read_any_text(scan, p + 1, batch, ret_cell);
    *ret_cell = (struct record_cell){
        .text = p + 1, .len = first, .kind = RECORD_TEXT, .flags = RECORD_PLAIN};
    return p + first + 2;
}

/* The cell of a wanted column; NULL: see the scan's fault, which is at `p`. */
static inline struct record_cell *cell_of(struct json_records *records, struct json_scan *scan,
                                          const char *p, size_t column, struct record_batch *batch)
{
    int fault = JSON_RECORD_WIDER;
    if (records->stamps[column] == records->stamp)
        fault = RECORD_FAULT_DUPLICATE;
    else if (column < batch->column_count || record_schema_widen(&records->schema, batch))
        fault = RECORD_FAULTS;
    records->stamps[column] = records->stamp;
    if (fault == RECORD_FAULTS)
        return &batch->columns[column].cells[batch->rows];
    json_scan_fail(scan, fault, p);
    return NULL;
}

static inline const char *read_member(struct json_records *records, struct json_scan *scan,
                                      const char *p, const struct json_member *member,
                                      struct record_batch *batch)
{
    struct record_cell ignored, *cell = &ignored;
    bool is_wanted = member->column != RECORD_NO_COLUMN;
    if (is_wanted)
        cell = cell_of(records, scan, p, (size_t)member->column, batch);
    return cell ? read_value(scan, p, is_wanted ? batch : NULL, cell) : NULL;
}

static void clear_missing(const struct json_records *records, struct record_batch *batch)
{
    for (size_t i = 0; i < batch->column_count; i++) {
        if (records->stamps[i] != records->stamp)
            batch->columns[i].cells[batch->rows] = (struct record_cell){.kind = RECORD_NULL};
    }
}

static const char *read_whole(struct json_scan *scan, const char *p, struct record_batch *batch)
{
    const char *from = p;
    p = json_scan_value(scan, p, 0);
    if (p)
        batch->columns[0].cells[batch->rows] =
            (struct record_cell){.text = from, .len = (uint32_t)(p - from), .kind = RECORD_NESTED};
    return p;
}

const char *json_record_read(struct json_records *records, struct json_scan *scan, const char *p,
                             struct record_batch *batch)
{
    if (records->whole)
        return read_whole(scan, p, batch);
    struct json_member *member = records->start;
    size_t found = 0;
    records->stamp++;
    for (;;) {
        const struct json_edge *edge = known_edge(member, p, scan->end);
        if (edge) {
            p += edge->len;
            member = edge->next;
        } else {
            p = read_glue(records, scan, p, &member);
        }
        if (!p || member == records->end)
            break;
        p = read_member(records, scan, p, member, batch);
        if (!p)
            return NULL;
        found += member->column != RECORD_NO_COLUMN;
    }
    if (p && found < batch->column_count)
        clear_missing(records, batch);
    return p;
}
