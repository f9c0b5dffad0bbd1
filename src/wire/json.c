/* Strict JSON reading with yyjson, whose memory is taken from an arena; JSON of no known shape as
 * values.
 *
 * yyjson reads a text in one pass, without recursion, into an array of 16-byte values in the order
 * of the text; strings are unescaped in place, in our copy of the text. It refuses what RFC 8259
 * and UTF-8 refuse. What our contract asks for beyond that is checked in a loop over that array:
 * depth, names that repeat, \u0000, and integers that do not fit 64 bits signed. The number of
 * values is limited where the array grows, so that a hostile text cannot take more memory than the
 * limit allows. */
#include "wire/json.h"

#include "base/alloc.h"
#include "wire/errors.h"
#include "wire/json_value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Up to this many names are compared with those before them, after a filter; more are sorted.
     */
    NAMES_COMPARED_MAX = 64,
    MEMBER_SIZE = 64, /* bytes of a structure's member in the tree, at most */
    /* What the library's array has besides the text's values: its header, and two as a reserve. */
    NODES_BESIDE = sizeof(yyjson_doc) / sizeof(yyjson_val) + 2,
};

/* ── Memory ── */

struct json_memory {
    struct arena *arena;
    char *near; /* taken before the arena, if it suffices; NULL: none */
    size_t near_size;
    size_t nodes_max;
    char *piece;  /* the array of values */
    size_t size;  /* bytes */
    bool no_room; /* the arena's meter had none */
};

static void *take(void *context, size_t size)
{
    struct json_memory *memory = context;
    bool fits_near = !memory->piece && size <= memory->near_size;
    memory->no_room = !fits_near && !arena_has_room(memory->arena, size);
    if (memory->no_room)
        return NULL;
    memory->piece = fits_near ? memory->near : arena_take(memory->arena, size);
    memory->size = size;
    return memory->piece;
}

static bool resize(struct json_memory *memory, size_t size)
{
    if (memory->piece == memory->near ||
        !arena_resize(memory->arena, memory->piece, memory->size, size))
        return false;
    memory->size = size;
    return true;
}

/* The library asks for more only when the array is full. */
static void *grow(void *context, void *piece, size_t old_size, size_t size)
{
    struct json_memory *memory = context;
    if (old_size / sizeof(yyjson_val) > memory->nodes_max + NODES_BESIDE)
        return NULL;
    if (resize(memory, size))
        return piece;
    if (!take(context, size))
        return NULL;
    memcpy(memory->piece, piece, old_size);
    return memory->piece;
}

/* The arena wipes and frees everything at once. */
static void give_back(void *context, void *piece)
{
    (void)context;
    (void)piece;
}

/* ── Refusals ── */

static bool refuse_at(struct error *error, struct str text, size_t position, const char *reason)
{
    size_t line = 1, column = 1, character;
    yyjson_locate_pos(text.data ? text.data : "", text.len, position, &line, &column, &character);
    return fail(error, ERR_SERIALIZATION, "%s (line %zu, column %zu).", reason, line, column);
}

static bool refuse_depth(struct error *error)
{
    return fail(error, ERR_SERIALIZATION, "The body is nested more than %d levels deep.",
                JSON_DEPTH_MAX);
}

static bool refuse_nodes(struct error *error, size_t nodes_max)
{
    return fail(error, ERR_SERIALIZATION, "The body has more than %zu JSON values and names.",
                nodes_max);
}

/* Of a text that the library refused: such as many brackets that are never closed, whose depth is
 * what is wrong with it. Brackets are counted outside of strings. */
static bool is_deep(struct str text)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX)
            return true;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return false;
}

static const char *reason(const yyjson_read_err *problem, struct str text)
{
    unsigned char at = problem->pos < text.len ? (unsigned char)text.data[problem->pos] : 0;
    yyjson_read_code code = problem->code; /* its values are no constants to a compiler that does
                                            * not optimize, so no switch */
    if (code == YYJSON_READ_ERROR_EMPTY_CONTENT || code == YYJSON_READ_ERROR_UNEXPECTED_END)
        return "The body ends in the middle of its JSON";
    if (code == YYJSON_READ_ERROR_UNEXPECTED_CONTENT)
        return "The body goes on after its JSON";
    if (code == YYJSON_READ_ERROR_INVALID_STRING && at >= 0x80)
        return "The body is not valid UTF-8";
    return "The body is not valid JSON";
}

static bool refuse(struct error *error, struct str text, const yyjson_read_err *problem,
                   size_t nodes_max)
{
    if (is_deep(text))
        return refuse_depth(error);
    if (problem->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return refuse_nodes(error, nodes_max);
    return refuse_at(error, text, problem->pos, reason(problem, text));
}

/* ── What the library allows and we do not ── */

/* Differs for most names that differ. Every byte of a name of up to 16 counts. */
static uint64_t name_filter(const char *name, size_t len)
{
    uint64_t first = 0, last = 0;
    size_t part = len < sizeof(first) ? len : sizeof(first);
    memcpy(&first, name, part);
    memcpy(&last, name + len - part, part);
    return UINT64_C(1) << (((first ^ last << 7 ^ len) * UINT64_C(0x9E3779B97F4A7C15)) >> 58);
}

static bool same_text(yyjson_val *a, yyjson_val *b)
{
    size_t len = unsafe_yyjson_get_len(a);
    return len == unsafe_yyjson_get_len(b) &&
           memcmp(unsafe_yyjson_get_str(a), unsafe_yyjson_get_str(b), len) == 0;
}

/* The first name that repeats an earlier one; NULL when there is none. */
static yyjson_val *repeated_of_few(yyjson_val *object, size_t count)
{
    yyjson_val *names[NAMES_COMPARED_MAX], *name = object + 1;
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++, name = unsafe_yyjson_get_next(name + 1)) {
        uint64_t bit = name_filter(unsafe_yyjson_get_str(name), unsafe_yyjson_get_len(name));
        for (size_t k = 0; seen & bit && k < i; k++) {
            if (same_text(names[k], name))
                return name;
        }
        seen |= bit;
        names[i] = name;
    }
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return str_compare(json_text(*(yyjson_val *const *)a), json_text(*(yyjson_val *const *)b));
}

static yyjson_val *repeated_of_many(yyjson_val *object, size_t count, struct arena *arena)
{
    yyjson_val **names = arena_array(arena, yyjson_val *, count), *name = object + 1;
    for (size_t i = 0; i < count; i++, name = unsafe_yyjson_get_next(name + 1))
        names[i] = name;
    qsort(names, count, sizeof(void *), by_text);
    for (size_t i = 1; i < count; i++) {
        if (same_text(names[i - 1], names[i]))
            return names[i - 1] > names[i] ? names[i - 1] : names[i];
    }
    return NULL;
}

static yyjson_val *repeated_name(yyjson_val *object, struct arena *arena)
{
    size_t count = unsafe_yyjson_get_len(object);
    return count <= NAMES_COMPARED_MAX ? repeated_of_few(object, count)
                                       : repeated_of_many(object, count, arena);
}

/* The reason why a scalar is refused; NULL when it is not. */
static const char *scalar_problem(yyjson_val *value)
{
    if (unsafe_yyjson_is_raw(value) ||
        (unsafe_yyjson_is_uint(value) && value->uni.u64 > (uint64_t)INT64_MAX))
        return "The body holds a number that is out of range";
    if (unsafe_yyjson_is_str(value) && unsafe_yyjson_get_subtype(value) != YYJSON_SUBTYPE_NOESC &&
        memchr(value->uni.str, '\0', unsafe_yyjson_get_len(value)))
        return "The body holds a null character";
    return NULL;
}

/* Where a value is in the text: a number's place is that of the string before it, mostly its name.
 */
static size_t position_of(const char *copy, yyjson_val *first, yyjson_val *value)
{
    while (value > first && !unsafe_yyjson_is_str(value) && !unsafe_yyjson_is_raw(value))
        value--;
    bool has_text = unsafe_yyjson_is_str(value) || unsafe_yyjson_is_raw(value);
    return has_text ? (size_t)(value->uni.str - copy) : 0;
}

static bool check(struct str text, const char *copy, const yyjson_doc *doc, struct arena *arena,
                  struct error *error)
{
    yyjson_val *ends[JSON_DEPTH_MAX], *last = doc->root + doc->val_read;
    size_t depth = 0;
    for (yyjson_val *value = doc->root; value < last; value++) {
        while (depth > 0 && value == ends[depth - 1])
            depth--;
        if (!unsafe_yyjson_is_ctn(value)) {
            const char *problem = scalar_problem(value);
            if (problem)
                return refuse_at(error, text, position_of(copy, doc->root, value), problem);
            continue;
        }
        if (depth == JSON_DEPTH_MAX)
            return refuse_depth(error);
        ends[depth++] = unsafe_yyjson_get_next(value);
        yyjson_val *name = unsafe_yyjson_is_obj(value) ? repeated_name(value, arena) : NULL;
        if (name)
            return refuse_at(error, text, position_of(copy, doc->root, name),
                             "The body has a name twice in one object");
    }
    return true;
}

/* ── Reading ── */

static enum json_fault fault_of(const yyjson_read_err *problem, const struct json_memory *memory)
{
    if (problem->code != YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return JSON_UNFIT;
    return memory->no_room ? JSON_NO_ROOM : JSON_TOO_MANY;
}

/* `copy` has room for the text and YYJSON_PADDING_SIZE bytes; the library writes to it. */
static enum json_fault read_into(struct str text, char *copy, struct json_memory *memory,
                                 yyjson_doc **ret_doc, struct error *error)
{
    const yyjson_alc allocator = {take, grow, give_back, memory};
    yyjson_read_err problem = {.code = YYJSON_READ_ERROR_EMPTY_CONTENT};
    yyjson_doc *doc = NULL;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    memset(copy + text.len, 0, YYJSON_PADDING_SIZE);
    if (text.len > 0)
        doc = yyjson_read_opts(copy, text.len, YYJSON_READ_INSITU | YYJSON_READ_BIGNUM_AS_RAW,
                               &allocator, &problem);
    if (!doc) {
        (void)refuse(error, text, &problem, memory->nodes_max);
        return fault_of(&problem, memory);
    }
    char *end = (char *)(doc->root + doc->val_read);
    resize(memory, (size_t)(end - memory->piece));
    if (doc->val_read > memory->nodes_max) {
        (void)refuse_nodes(error, memory->nodes_max);
        return JSON_TOO_MANY;
    }
    if (!check(text, copy, doc, memory->arena, error))
        return JSON_UNFIT;
    *ret_doc = doc;
    return JSON_READ;
}

void json_scratch_init(struct json_scratch *scratch)
{
    scratch->far_text = NULL;
    scratch->text_len = 0;
    scratch->far_nodes = (struct arena){.kind = ARENA_PLAIN}; /* values hold no text */
}

void json_scratch_done(struct json_scratch *scratch)
{
    explicit_bzero(scratch->far_text ? scratch->far_text : scratch->near_text, scratch->text_len);
    free(scratch->far_text);
    arena_done(&scratch->far_nodes);
    json_scratch_init(scratch);
}

bool json_read(struct str text, size_t nodes_max, struct json_scratch *scratch,
               yyjson_val **ret_root, struct error *error)
{
    struct json_memory memory = {
        .arena = &scratch->far_nodes,
        .near = scratch->near_nodes,
        .near_size = sizeof(scratch->near_nodes),
        .nodes_max = nodes_max,
    };
    size_t size = text.len + YYJSON_PADDING_SIZE;
    yyjson_doc *doc;
    if (size > sizeof(scratch->near_text))
        scratch->far_text = xmalloc(size);
    scratch->text_len = text.len;
    char *copy = scratch->far_text ? scratch->far_text : scratch->near_text;
    if (read_into(text, copy, &memory, &doc, error) != JSON_READ)
        return false;
    *ret_root = doc->root;
    return true;
}

struct str json_text(yyjson_val *string)
{
    return (struct str){unsafe_yyjson_get_str(string), unsafe_yyjson_get_len(string)};
}

/* ── JSON of no known shape ── */

static void fill(struct arena *arena, struct value *value, yyjson_val *json);

static void fill_list(struct arena *arena, struct value *list, yyjson_val *json)
{
    size_t count = unsafe_yyjson_get_len(json);
    list->kind = VALUE_LIST;
    value_reserve(arena, list, count);
    struct value *items = arena_array(arena, struct value, count);
    yyjson_val *item = json + 1;
    for (size_t i = 0; i < count; i++, item = unsafe_yyjson_get_next(item)) {
        fill(arena, &items[i], item);
        list->items[list->count++] = &items[i];
    }
}

static size_t members_present(yyjson_val *object)
{
    size_t count = unsafe_yyjson_get_len(object), present = 0;
    yyjson_val *name = object + 1;
    for (size_t i = 0; i < count; i++, name = unsafe_yyjson_get_next(name + 1))
        present += !unsafe_yyjson_is_null(name + 1);
    return present;
}

static void fill_structure(struct arena *arena, struct value *structure, yyjson_val *json)
{
    size_t count = members_present(json);
    structure->kind = VALUE_STRUCTURE;
    value_reserve(arena, structure, count);
    struct value *items = arena_array(arena, struct value, count);
    for (yyjson_val *name = json + 1; structure->count < count;
         name = unsafe_yyjson_get_next(name + 1)) {
        if (unsafe_yyjson_is_null(name + 1))
            continue;
        fill(arena, &items[structure->count], name + 1);
        structure->names[structure->count] = json_text(name);
        structure->items[structure->count] = &items[structure->count];
        structure->count++;
    }
}

/* Recurses JSON_DEPTH_MAX levels at most. */
static void fill(struct arena *arena, struct value *value, yyjson_val *json)
{
    switch (unsafe_yyjson_get_tag(json)) {
    case YYJSON_TYPE_ARR:
        fill_list(arena, value, json);
        return;
    case YYJSON_TYPE_OBJ:
        fill_structure(arena, value, json);
        return;
    case YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_TRUE:
    case YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_FALSE:
        value->kind = VALUE_BOOLEAN;
        value->boolean = unsafe_yyjson_get_bool(json);
        return;
    case YYJSON_TYPE_NUM | YYJSON_SUBTYPE_UINT:
    case YYJSON_TYPE_NUM | YYJSON_SUBTYPE_SINT:
        value->kind = VALUE_INTEGER;
        value->integer = unsafe_yyjson_get_sint(json);
        return;
    case YYJSON_TYPE_NUM | YYJSON_SUBTYPE_REAL:
        value->kind = VALUE_DOUBLE;
        value->real = unsafe_yyjson_get_real(json);
        return;
    case YYJSON_TYPE_NULL:
        value->kind = VALUE_RAW;
        value->text = STR("null");
        return;
    default:
        assert(unsafe_yyjson_is_str(json));
        value->kind = VALUE_STRING;
        value->text = json_text(json);
    }
}

enum json_fault json_parse_own(struct str text, size_t nodes_max, struct arena *arena,
                               struct value **ret_value)
{
    _cleanup_(arena_done) struct arena nodes = {.kind = ARENA_PLAIN, .meter = arena->meter};
    yyjson_doc *doc;
    if (!arena_has_room(arena, text.len + YYJSON_PADDING_SIZE))
        return JSON_NO_ROOM;
    struct json_memory memory = {.arena = &nodes, .nodes_max = nodes_max};
    char *copy = arena_take(arena, text.len + YYJSON_PADDING_SIZE);
    enum json_fault fault = read_into(text, copy, &memory, &doc, NULL);
    if (fault != JSON_READ)
        return fault;
    if (!arena_has_room(arena, doc->val_read * MEMBER_SIZE))
        return JSON_NO_ROOM;
    *ret_value = arena_new(arena, struct value);
    fill(arena, *ret_value, doc->root);
    return JSON_READ;
}

enum json_fault json_parse_answer(struct str text, struct arena *arena, struct value **ret_value)
{
    return json_parse_own(text, JSON_ANSWER_NODES_MAX, arena, ret_value);
}

bool json_parse(struct str text, struct arena *arena, struct value **ret_value)
{
    return json_parse_answer(text, arena, ret_value) == JSON_READ;
}

bool json_is_object(struct str text)
{
    struct arena arena = {0}; /* a record may hold what is secret */
    struct json_memory memory = {.arena = &arena, .nodes_max = JSON_ANSWER_NODES_MAX};
    const yyjson_alc allocator = {take, grow, give_back, &memory};
    char *copy = arena_take(&arena, text.len + YYJSON_PADDING_SIZE);
    yyjson_doc *doc = NULL;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    memset(copy + text.len, 0, YYJSON_PADDING_SIZE);
    if (text.len > 0)
        doc = yyjson_read_opts(copy, text.len, YYJSON_READ_INSITU | YYJSON_READ_NUMBER_AS_RAW,
                               &allocator, NULL);
    bool is_object =
        doc && unsafe_yyjson_is_obj(doc->root) && doc->val_read <= JSON_ANSWER_NODES_MAX;
    arena_done(&arena);
    return is_object;
}
