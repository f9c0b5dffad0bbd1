/* Lists whose form and parameters the sandbox file describes: which parameters name the page, its
 * fields and the bounds of its records, and what stands around the records (dialect "pages"). */
#include "sandbox/records/dialect.h"
#include "sandbox/records/pages.h"
#include "sandbox/records/sample_time.h"

#include "base/encode.h"

#include <string.h>

enum { SECOND_MS = 1000, FRACTION_DIGITS = 3 };

struct page_asked {
    struct records_exchange *exchange;
    const struct records_pages *pages;
    const struct sample_entity *entity;
    struct sample_query query;
    size_t size, total;
    const struct parameters *kept; /* of the first page, from the cursor; NULL: none */
    struct str fault; /* the answer, where the request is refused; STR_NULL: it is not */
};

/* Of the query, of a form or of a JSON body. */
static struct str parameter(const struct page_asked *asked, struct str name)
{
    static const enum part_kind kinds[] = {PART_QUERY, PART_FORM, PART_JSON};
    struct str found = STR_NULL;
    for (size_t i = 0; name.data && !found.data && i < sizeof(kinds) / sizeof(*kinds); i++) {
        const struct request_part part = {kinds[i], name};
        found = request_part(asked->exchange->request, &part);
    }
    return !found.data && name.data && asked->kept ? parameters_get(asked->kept, name) : found;
}

static const struct sample_entity *find_entity(const struct page_asked *asked)
{
    struct str named = asked->pages->entity_in;
    if (!named.data)
        return records_entity(asked->exchange, asked->pages->back);
    const struct sample_entity *entity = sample_find(asked->exchange->set, parameter(asked, named));
    return entity && !entity->refused.data ? entity : NULL;
}

/* --- what is asked for --- */

/* "row N", and behind a blank the query of the first page. */
static struct str make_cursor(const struct page_asked *asked, size_t row)
{
    struct arena *arena = asked->exchange->arena;
    struct str query = asked->pages->cursor_keeps ? asked->exchange->request->query : STR("");
    return encode_base64url(arena, arena_printf(arena, "row %zu %.*s", row, STR_ARG(query)));
}

static bool read_cursor(struct page_asked *asked, struct str cursor)
{
    struct arena *arena = asked->exchange->arena;
    struct parameters *kept = arena_new(arena, struct parameters);
    unsigned long long row;
    struct str plain, start, number, query;
    if (!decode_base64url(arena, cursor, &plain) || !str_cut(plain, ' ', &start, &plain) ||
        !str_eq(start, STR("row")) || !str_cut(plain, ' ', &number, &query) ||
        !str_to_u64(number, SAMPLE_ROWS_MAX, &row) || !parameters_parse(query, arena, kept))
        return false;
    asked->kept = kept;
    if (asked->pages->cursor_keeps)
        asked->exchange->request->query = query; /* for the next cursor */
    asked->query.offset = (size_t)row;
    return true;
}

/* "1512085950.000216": seconds since the epoch. */
static bool read_seconds(struct str text, int64_t *ret_ms)
{
    struct str whole = text, fraction = STR("");
    unsigned long long seconds;
    int64_t ms = 0;
    str_cut(text, '.', &whole, &fraction);
    if (!str_to_u64(whole, UINT32_MAX, &seconds))
        return false;
    for (size_t i = 0; i < FRACTION_DIGITS; i++) {
        bool is_digit = i < fraction.len && ascii_is_digit(fraction.data[i]);
        ms = ms * 10 + (is_digit ? fraction.data[i] - '0' : 0);
    }
    *ret_ms = (int64_t)seconds * SECOND_MS + ms;
    return true;
}

/* With a blank between day and time, too. */
static bool read_time(struct str text, struct arena *arena, int64_t *ret_ms)
{
    char *copy = arena_alloc(arena, text.len + 1);
    memcpy(copy, text.len > 0 ? text.data : "", text.len);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = copy[i] == ' ' ? 'T' : copy[i];
    return read_seconds(text, ret_ms) ||
           sample_time_parse((struct str){copy, text.len}, true, ret_ms);
}

static bool read_ms(struct str text, int64_t *ret_ms)
{
    unsigned long long ms;
    bool read = str_to_u64(text, INT64_MAX, &ms);
    *ret_ms = read ? (int64_t)ms : 0;
    return read;
}

static bool read_value(const struct sample_field *field, struct str text, bool is_ms,
                       struct arena *arena, struct sample_cell *ret_cell)
{
    *ret_cell = (struct sample_cell){.kind = SAMPLE_TEXT, .text = text};
    if (field->kind == SAMPLE_INTEGER || field->kind == SAMPLE_DECIMAL)
        return query_number(text, ret_cell);
    if (field->kind != SAMPLE_TIME)
        return field->kind == SAMPLE_TEXT;
    ret_cell->kind = SAMPLE_TIME;
    return is_ms ? read_ms(text, &ret_cell->number) : read_time(text, arena, &ret_cell->number);
}

/* False: what the parameter has is no value of its field. */
static bool add_bound(struct page_asked *asked, const struct records_bound *bound)
{
    struct arena *arena = asked->exchange->arena;
    struct str text = parameter(asked, bound->parameter);
    const struct sample_field *field = sample_field_find(asked->entity, bound->field);
    struct sample_cell *cell = arena_new(arena, struct sample_cell);
    if (text.len == 0)
        return true;
    if (!field || !read_value(field, text, bound->is_ms, arena, cell))
        return false;
    struct query_condition *test = arena_new(arena, struct query_condition);
    *test = (struct query_condition){.kind = QUERY_TEST,
                                     .field = field,
                                     .operator= bound->operator,
                                     .values = cell,
                                     .value_count = 1};
    asked->query.condition = pages_both(arena, asked->query.condition, test);
    return true;
}

static bool select_rows(struct page_asked *asked)
{
    const struct records_pages *pages = asked->pages;
    struct sandbox_request *request = asked->exchange->request;
    struct str selection = parameter(asked, pages->selection);
    const struct query_condition *condition = NULL;
    const struct value *criteria =
        request->json ? value_get(request->json, "searchCriteria") : NULL;
    if (!pages_select(pages->language, asked->entity, selection, criteria, asked->exchange->arena,
                      &condition))
        return false;
    asked->query.condition = pages_both(asked->exchange->arena, asked->query.condition, condition);
    return true;
}

static bool read_offset(struct page_asked *asked)
{
    struct str text = parameter(asked, asked->pages->offset);
    unsigned long long offset = 0;
    bool read = text.len == 0 || str_to_u64(text, SAMPLE_ROWS_MAX, &offset);
    if (asked->pages->offset.data)
        asked->query.offset = (size_t)offset;
    return read;
}

/* "a,b,c"; without them all. False: there is no such field. */
static bool read_fields(struct page_asked *asked)
{
    struct arena *arena = asked->exchange->arena;
    struct str names = parameter(asked, asked->pages->fields), name;
    bool more = names.len > 0;
    const struct sample_field **fields =
        arena_array(arena, const struct sample_field *, SAMPLE_FIELDS_MAX);
    size_t count = 0;
    while (more && count < SAMPLE_FIELDS_MAX) {
        name = names;
        more = str_cut(names, ',', &name, &names);
        fields[count] = sample_field_find(asked->entity, name);
        if (!fields[count++])
            return false;
    }
    asked->query.fields = count > 0 ? fields : NULL;
    asked->query.field_count = count;
    return true;
}

static bool refuse(struct page_asked *asked, struct str fault)
{
    asked->fault = fault.data ? fault : STR("{}");
    return false;
}

static bool read_request(struct page_asked *asked)
{
    struct records_exchange *exchange = asked->exchange;
    const struct records_pages *pages = asked->pages;
    struct str cursor = parameter(asked, pages->cursor);
    asked->entity = find_entity(asked);
    if (!asked->entity)
        return refuse(asked, pages->no_entity);
    asked->size = records_page_size(exchange, parameter(asked, pages->size));
    asked->query = (struct sample_query){.entity = asked->entity, .limit = SIZE_MAX};
    if ((cursor.len > 0 && !read_cursor(asked, cursor)) || !read_offset(asked))
        return refuse(asked, pages->bad_cursor);
    if (!select_rows(asked))
        return refuse(asked, pages->bad_value);
    for (size_t i = 0; i < pages->bound_count; i++) {
        if (!add_bound(asked, &pages->bounds[i]))
            return refuse(asked, pages->bad_value);
    }
    const struct sample_field *order = sample_field_find(asked->entity, pages->order);
    if (order)
        asked->query.orders[asked->query.order_count++] =
            (struct query_order){.field = order, .descending = pages->is_descending};
    return read_fields(asked) || refuse(asked, pages->bad_value);
}

/* --- the page --- */

static void print_around(struct buf *out, const struct page_asked *asked, struct str form,
                         size_t next)
{
    struct str rest = form, before, name;
    while (str_cut(rest, '<', &before, &rest)) {
        buf_add(out, before);
        if (!str_cut(rest, '>', &name, &rest))
            return;
        if (str_eq(name, STR("cursor")))
            buf_add(out, make_cursor(asked, next));
        else if (str_eq(name, STR("entity")))
            buf_add(out, asked->entity->name);
        else if (str_eq(name, STR("size")))
            buf_add_u64(out, asked->size);
        else if (str_eq(name, STR("offset")))
            buf_add_u64(out, asked->query.offset);
        else if (str_eq(name, STR("total")))
            buf_add_u64(out, asked->total);
        else
            buf_add_u64(out, next - asked->query.offset);
    }
    buf_add(out, rest);
}

static void print_row(struct buf *out, const struct page_asked *asked,
                      const struct sample_field *const *fields, size_t count, size_t row)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    bool any = false;
    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        struct sample_cell cell = sample_cell(asked->entity, fields[i], row, &scratch);
        if (cell.kind == SAMPLE_NULL && asked->pages->without_nulls)
            continue;
        if (any)
            buf_add_char(out, ',');
        encode_json_string(out, fields[i]->name);
        buf_add_char(out, ':');
        sample_print(out, &asked->entity->set->forms, &cell);
        any = true;
    }
    buf_add_char(out, '}');
    arena_done(&scratch);
}

static void print_page(struct page_asked *asked, struct buf *out)
{
    struct records_exchange *exchange = asked->exchange;
    const struct records_pages *pages = asked->pages;
    struct sample_rows rows = query_select(&asked->query, exchange->arena);
    asked->total = asked->query.offset + rows.count;
    size_t shown = rows.count < asked->size ? rows.count : asked->size;
    size_t next = asked->query.offset + shown, count = asked->query.field_count;
    const struct sample_field *const *fields =
        records_fields(exchange, asked->entity, asked->query.fields, &count);
    bool is_lone = shown == 1 && pages->before_lone.data;
    if (shown == 0 && pages->none.data) {
        buf_add(out, pages->none);
        return;
    }
    print_around(out, asked, is_lone ? pages->before_lone : pages->before, next);
    for (size_t i = 0; i < shown; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        print_row(out, asked, fields, count, rows.rows[i]);
    }
    print_around(out, asked,
                 is_lone              ? pages->after_lone
                 : shown < rows.count ? pages->after
                                      : pages->after_last,
                 next);
}

void pages_answer(struct records_exchange *exchange)
{
    struct page_asked asked = {.exchange = exchange, .pages = exchange->reply->pages};
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    if (read_request(&asked))
        print_page(&asked, &body);
    else
        buf_add(&body, asked.fault);
    exchange->out->status = asked.fault.data ? asked.pages->fault_status : 200;
    exchange->out->body = buf_str(&body);
}
