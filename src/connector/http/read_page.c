/* A page of records as the vendor sends it: its bytes are kept as they are, and are not made into
 * values, since a page has a hundred thousand of them. */
#include "connector/http/answer_reader.h"
#include "connector/http/read_call.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "wire/json_items.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE_SIZE = 256 * 1024,
    /* An answer that is no page, such as an error with status 200, is shorter. */
    LOOK_MAX = 64 * 1024,
};

struct page_piece {
    struct page_piece *next;
    size_t len;
    char bytes[PIECE_SIZE];
};

struct page_intake {
    struct read_page *page;
    struct page_piece *first, *last;
    size_t len;
    bool is_page;           /* the answer has a list of records, as far as it was looked at */
    const char *lone_needs; /* see read_lone_take; NULL: each page has a list */
    const char *fault;      /* why it is no page; NULL: it has no list */
};

static void drop(struct page_intake *intake)
{
    while (intake->first) {
        struct page_piece *piece = intake->first;
        intake->first = piece->next;
        free(piece);
    }
    intake->last = NULL;
    intake->len = 0;
}

static void begin(void *context, struct buf *rest)
{
    drop(context);
    buf_clear(rest);
}

static void add_piece(struct page_intake *intake)
{
    struct page_piece *piece = xmalloc(sizeof(*piece));
    piece->next = NULL;
    piece->len = 0;
    if (intake->last)
        intake->last->next = piece;
    else
        intake->first = piece;
    intake->last = piece;
}

static bool push(void *context, struct str bytes, const char **ret_fault)
{
    struct page_intake *intake = context;
    struct read_page *page = intake->page;
    bool is_over = page->is_over && *page->is_over;
    if (is_over || (page->most > 0 && bytes.len > page->most - intake->len)) {
        page->is_past_most = true;
        *ret_fault =
            is_over ? "the page is not wanted any more" : "there is no room for the page yet";
        return false;
    }
    if (bytes.len > READ_PAGE_MAX - intake->len) {
        *ret_fault = "the page of records is longer than 16 MiB";
        return false;
    }
    if (!arena_has_room(page->arena, intake->len + bytes.len)) {
        page->is_past_most = page->most > 0;
        *ret_fault = answer_no_memory;
        return false;
    }
    while (bytes.len > 0) {
        if (!intake->last || intake->last->len == PIECE_SIZE)
            add_piece(intake);
        struct page_piece *piece = intake->last;
        size_t room = PIECE_SIZE - piece->len;
        size_t len = bytes.len < room ? bytes.len : room;
        memcpy(piece->bytes + piece->len, bytes.data, len);
        piece->len += len;
        intake->len += len;
        bytes = (struct str){bytes.data + len, bytes.len - len};
    }
    return true;
}

_Static_assert(READ_PAGE_MAX == 16 * 1024 * 1024, "as the message says");

/* Each piece is freed once it is copied, so that the page is not in memory twice. */
static char *gather(struct page_intake *intake)
{
    char *body = arena_take(intake->page->arena, intake->len + READ_LONE_ROOM + 1);
    size_t len = 0;
    for (struct page_piece *piece; (piece = intake->first);) {
        memcpy(body + len, piece->bytes, piece->len);
        len += piece->len;
        intake->first = piece->next;
        free(piece);
    }
    drop(intake);
    body[len] = '\0';
    intake->page->body = (struct str){body, len};
    return body;
}

static bool begins_with(struct str body, const char *characters)
{
    size_t at = 0;
    while (at < body.len && body.data[at] != '\0' && strchr(" \t\r\n", body.data[at]))
        at++;
    return at < body.len && body.data[at] != '\0' && strchr(characters, body.data[at]);
}

static bool begins_as_csv(struct str body)
{
    return body.len > 0 && !begins_with(body, "{[<");
}

static bool has_list(const struct read_page *page)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    struct value *json = NULL;
    bool read = json_parse_answer(page->body, &scratch, &json) == JSON_READ;
    const struct value *list = read ? pointer_find(json, page->path ? page->path : "") : NULL;
    bool found = list && list->kind == VALUE_LIST;
    arena_done(&scratch);
    return found;
}

/* The same of a longer page, which is followed up to its list. */
static bool begins_list(const struct read_page *page)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    struct buf rest = buf_in(&scratch, LOOK_MAX);
    struct str left = page->body;
    struct json_items items;
    bool is_read = true;
    json_items_init(&items, page->path ? page->path : "", &scratch, &rest);
    while (is_read && left.len > 0 && items.list_depth == 0 && !items.done) {
        is_read = json_items_push(&items, (struct str){left.data, 1});
        left = (struct str){left.data + 1, left.len - 1};
        buf_clear(&rest);
    }
    arena_done(&scratch);
    return items.list_depth > 0 || items.done;
}

/* Where a page may have no list, it is looked for in a long page, too. */
static bool is_json_page(const struct page_intake *intake)
{
    const struct read_page *page = intake->page;
    if (page->body.len <= LOOK_MAX)
        return has_list(page);
    return begins_with(page->body, "{[") && (!intake->lone_needs || begins_list(page));
}

/* What is looked at as an answer. Of a page with records that is nothing: a connector's rules may
 * look for words, which a record may have as well. */
static void end(void *context, struct buf *rest)
{
    struct page_intake *intake = context;
    struct read_page *page = intake->page;
    char *body = gather(intake);
    intake->is_page = page->format == READ_CSV ? begins_as_csv(page->body) : is_json_page(intake);
    if (!intake->is_page && intake->lone_needs)
        intake->is_page = read_lone_take(page, body, intake->lone_needs, &intake->fault);
    if (intake->is_page)
        buf_add(rest, STR("[]"));
    else
        buf_add(rest, utf8_cut(page->body, LOOK_MAX));
}

/* By which a page of fewer fields is shorter. */
static bool names_fields(const char *template)
{
    return template && (strstr(template, "{read.fields}") || strstr(template, "{read.parts}") ||
                        strstr(template, "{read.statement}"));
}

static const char *hint_for(const struct connector_call *call)
{
    bool named = call && (names_fields(call->path) || names_fields(call->body));
    for (size_t i = 0; call && i < call->query.count; i++)
        named = named || names_fields(call->query.rows[i].value);
    return named ? "Let the flow read fewer fields." : NULL;
}

static const char *why_none(const struct page_intake *intake)
{
    return intake->fault                      ? intake->fault
           : intake->page->format == READ_CSV ? "the response is not CSV"
                                              : "the response has no list of records";
}

/* `call` NULL: the target is a whole URL. */
static bool take(struct vendor_connection *connection, const struct connector_call *call,
                 struct str target, struct page_intake *intake,
                 struct vendor_response *ret_response)
{
    const struct answer_reader reader = {begin, push, end, intake};
    bool good = call ? vendor_call_read(connection, call, target, &reader, ret_response)
                     : vendor_call_url(connection, target, &reader, ret_response);
    drop(intake);
    /* The same call would have the same end. */
    if (!good && ret_response->http.outcome == CLIENT_TOO_LARGE)
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API,
                           str_from(ret_response->http.detail), hint_for(call));
    if (!good)
        return false;
    return intake->is_page ||
           vendor_fail_status(connection, VERDICT_MISCONFIGURED, STEP_API,
                              ret_response->http.status, str_from(why_none(intake)), NULL);
}

bool read_page_take(struct vendor_connection *connection, const struct connector_call *call,
                    struct str target, struct read_page *page, struct vendor_response *ret_response)
{
    struct page_intake intake = {.page = page};
    return take(connection, call, target, &intake, ret_response);
}

bool read_page_take_lone(struct vendor_connection *connection, const struct connector_call *call,
                         struct str target, struct read_page *page,
                         struct vendor_response *ret_response)
{
    struct page_intake intake = {.page = page, .lone_needs = call->needs};
    struct connector_call without = *call;
    without.needs = NULL; /* of a page, nothing is looked at as an answer */
    return take(connection, &without, target, &intake, ret_response);
}

bool read_page_take_url(struct vendor_connection *connection, struct str url,
                        struct read_page *page, struct vendor_response *ret_response)
{
    struct page_intake intake = {.page = page};
    return take(connection, NULL, url, &intake, ret_response);
}
