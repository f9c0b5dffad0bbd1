/* Reading the items of a list from the vendor: page after page, item after item. Memory is that of
 * one item (wire/json_items.h) and of what stands beside the list in each page. */
#include "connector/http/answer_reader.h"
#include "connector/http/entity_source.h"
#include "connector/http/internal.h"

#include "wire/json_items.h"
#include "wire/json_pointer.h"

struct item_reader {
    struct vendor_connection *connection;
    struct entity_reader *wanted;
    struct json_items items;
    struct arena scratch; /* of one item as values */
    struct arena space;   /* of one item as text */
    size_t count;         /* items of this page */
    const char *fault;
};

/* --- one item --- */

static bool is_something(struct str text)
{
    return text.len > 0 && !str_eq(text, STR("false")) && !str_eq(text, STR("0"));
}

bool entity_flag_holds(struct arena *arena, const struct entity_flag *flag,
                       const struct value *item)
{
    if (!flag->at)
        return false;
    const struct value *found = pointer_find(item, flag->at);
    bool is_scalar = found && found->kind != VALUE_STRUCTURE && found->kind != VALUE_LIST;
    struct str text = is_scalar ? pointer_text(arena, item, flag->at) : STR_NULL;
    bool holds = flag->equals ? str_eq(text, str_from(flag->equals))
                 : is_scalar  ? is_something(text)
                              : found != NULL;
    return holds != flag->is_not;
}

/* False: no more items are wanted. */
static bool use_item(struct item_reader *reader, const struct value *item)
{
    struct entity_reader *wanted = reader->wanted;
    reader->count++;
    if (wanted->items->where.at &&
        !entity_flag_holds(&reader->scratch, &wanted->items->where, item))
        return true;
    reader->connection->scope.item = item;
    wanted->stopped = !wanted->each(wanted->context, item, &reader->scratch);
    reader->connection->scope.item = NULL;
    return !wanted->stopped;
}

static bool take_item(void *context, struct str text)
{
    static const char *const faults[] = {
        [JSON_READ] = NULL,
        [JSON_UNFIT] = "an item of the list cannot be read as JSON",
        [JSON_TOO_MANY] = "an item of the list has too many values",
        [JSON_NO_ROOM] = answer_no_memory,
    };
    struct item_reader *reader = context;
    struct value *item;
    arena_reset(&reader->scratch);
    reader->fault = faults[json_parse_answer(text, &reader->scratch, &item)];
    return !reader->fault && use_item(reader, item);
}

static void begin(void *context, struct buf *rest)
{
    struct item_reader *reader = context;
    const char *at = reader->wanted->items->at;
    arena_done(&reader->space);
    json_items_init(&reader->items, at ? at : "", &reader->space, rest);
    reader->items.item = take_item;
    reader->items.context = reader;
    reader->count = 0;
    buf_clear(rest);
}

static bool push(void *context, struct str bytes, const char **ret_fault)
{
    static const char *const faults[] = {
        [JSON_ITEMS_NONE] = NULL,
        [JSON_ITEMS_TOO_DEEP] = "the response is nested too deeply",
        [JSON_ITEMS_TOO_LONG] =
            "the response has an item of more than 256 KiB, or 1 MiB beside its "
            "list",
        [JSON_ITEMS_STOPPED] = "the list is too long",
    };
    struct item_reader *reader = context;
    if (!arena_has_room(&reader->space, 2 * reader->items.taken.cap + bytes.len)) {
        *ret_fault = answer_no_memory;
        return false;
    }
    if (json_items_push(&reader->items, bytes))
        return true;
    *ret_fault = reader->fault ? reader->fault : faults[reader->items.fault];
    return false;
}

_Static_assert(JSON_ITEMS_ITEM_MAX == 256 * 1024 && CLIENT_BODY_MAX == 1024 * 1024,
               "as the message says");

/* --- pages --- */

enum { NEXT_MAX = 4 * 1024 }; /* bytes of what leads to the next page: each page's stays */

struct list_page {
    size_t offset, number;
    struct str cursor; /* of the connection's arena */
    struct str target; /* see vendor_call_read */
};

static void set_page(struct vendor_connection *connection, const struct entity_pages *pages,
                     const struct list_page *page)
{
    struct arena *arena = connection->arena;
    struct value *value = value_structure(arena);
    value_put_integer(arena, value, "offset", (int64_t)page->offset);
    value_put_integer(arena, value, "number", (int64_t)page->number);
    value_put_integer(arena, value, "size", (int64_t)pages->size);
    value_put_text(arena, value, "cursor", page->cursor);
    connection->scope.page = value;
}

/* Where `next` leads. *ret_more false: the page before was the last one. */
static bool follow(struct vendor_connection *connection, const struct entity_pages *pages,
                   const struct value *answer, struct list_page *page, bool *ret_more)
{
    struct arena *arena = connection->arena;
    struct str next = pointer_text(arena, answer, pages->next);
    *ret_more =
        is_something(next) && (!pages->more.at || entity_flag_holds(arena, &pages->more, answer));
    if (!*ret_more)
        return true;
    if (next.len > NEXT_MAX)
        return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                           STR("what names the list's next page is too long"), NULL);
    if (pages->kind == PAGES_LINK)
        return vendor_take_link(connection, next, &page->target);
    if (str_eq(next, page->cursor))
        return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                           STR("the list gives the same next page twice"), NULL);
    page->cursor = arena_copy(arena, next);
    return true;
}

/* Of pages by offset or number. Where the vendor leaves items out of a page after it was cut, a
 * short page, or an empty one, is not the last. */
static bool has_more(const struct entity_pages *pages, const struct vendor_response *response,
                     size_t count, size_t offset)
{
    unsigned long long total;
    const struct str *header =
        pages->total ? client_header(&response->http, str_from(pages->total)) : NULL;
    if (header && str_to_u64(*header, INT64_MAX, &total))
        return offset < total;
    return count > 0 && count >= (size_t)pages->size;
}

static bool next_page(struct vendor_connection *connection, const struct entity_pages *pages,
                      const struct vendor_response *response, size_t count, struct list_page *page,
                      bool *ret_more)
{
    page->number++;
    page->offset += pages->total ? (size_t)pages->size : count;
    *ret_more = false;
    if (pages->kind == PAGES_CURSOR || pages->kind == PAGES_LINK)
        return follow(connection, pages, response->json, page, ret_more);
    if (pages->kind != PAGES_NONE)
        *ret_more = has_more(pages, response, count, page->offset);
    return true;
}

static bool says_missing(struct vendor_connection *connection, const struct entity_items *items,
                         const struct vendor_response *response)
{
    for (size_t i = 0; response->json && i < items->missing_when.count; i++) {
        if (entity_flag_holds(connection->arena, &items->missing_when.rows[i], response->json))
            return true;
    }
    return false;
}

/* A refused egress, a redirect and a web page say nothing about the entity: their own verdict and
 * hint stay. */
static bool fail_call(struct vendor_connection *connection, const struct entity_items *items,
                      const struct vendor_response *response)
{
    struct verdict verdict = vendor_verdict(connection);
    bool answered = verdict.status != 0 && verdict.status / 100 != 3 && !response->html;
    bool says_status = items->missing != 0 && verdict.status == items->missing;
    bool says_kind = answered && items->missing_kind && verdict.kind == items->missing_kind;
    if (!says_status && !says_kind && !says_missing(connection, items, response))
        return false;
    return vendor_fail_status(connection, VERDICT_ABSENT, STEP_API, verdict.status, verdict.message,
                              NULL);
}

/* An answer that has no list at the place for it; see `lone`. */
static bool take_lone(struct vendor_connection *connection, struct item_reader *reader,
                      const struct value *found)
{
    if (!reader->wanted->items->lone)
        return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                           STR("the response has no list of entities"), NULL);
    arena_reset(&reader->scratch);
    return !found || use_item(reader, found);
}

static bool read_pages(struct vendor_connection *connection, struct item_reader *reader)
{
    const struct entity_items *items = reader->wanted->items;
    struct connector_call call = items->call;
    const struct answer_reader answer = {.begin = begin, .push = push, .context = reader};
    struct list_page page = {.number = 1};
    bool more = true;
    if (!call.needs)
        call.needs = items->at;
    for (int pages = 0; more; pages++) {
        struct vendor_response response = {0};
        if (pages == ENTITY_PAGES_MAX)
            return entity_too_many(connection, "pages", false);
        set_page(connection, &items->pages, &page);
        if (!vendor_call_read(connection, &call, page.target, &answer, &response))
            return fail_call(connection, items, &response);
        reader->wanted->rest = response.json;
        const struct value *found = pointer_find(response.json, items->at ? items->at : "");
        if ((!found || found->kind != VALUE_LIST) && !take_lone(connection, reader, found))
            return false;
        if (!next_page(connection, &items->pages, &response, reader->count, &page, &more))
            return false;
    }
    return true;
}

bool entity_items_read(struct vendor_connection *connection, struct entity_reader *wanted)
{
    struct item_reader reader = {
        .connection = connection,
        .wanted = wanted,
        .scratch = {.kind = ARENA_PLAIN, .meter = connection->arena->meter},
        .space = {.kind = ARENA_PLAIN, .meter = connection->arena->meter},
    };
    wanted->stopped = false;
    bool read = read_pages(connection, &reader);
    arena_done(&reader.space);
    arena_done(&reader.scratch);
    connection->scope.page = NULL;
    return read;
}
