/* A scanner that knows where a JSON value begins and ends: one state for each byte. Items go to
 * `taken`, everything else to `rest`. */
#include "wire/json_items.h"

#include <string.h>

void json_items_init(struct json_items *items, const char *path, struct arena *arena,
                     struct buf *rest)
{
    *items = (struct json_items){
        .path = path,
        .rest = rest,
        .next = path,
        .is_next = true,
        .taken = buf_in(arena, JSON_ITEMS_ITEM_MAX),
    };
}

static bool stop(struct json_items *items, enum json_items_fault fault)
{
    items->fault = fault;
    return false;
}

/* --- names on the way to the list --- */

/* Whether the name that was read is the path's next part. */
static bool is_next_part(const struct json_items *items)
{
    size_t len = *items->next == '/' ? strcspn(items->next + 1, "/") : 0;
    return *items->next == '/' && items->depth == items->on_path && len == items->name_len &&
           memcmp(items->next + 1, items->name, len) == 0;
}

static void go_down(struct json_items *items)
{
    if (items->depth > 1) /* what is outermost has no name */
        items->next += 1 + strcspn(items->next + 1, "/");
    items->on_path = items->depth;
}

static void go_up(struct json_items *items)
{
    items->on_path = items->depth - 1;
    while (items->depth > 1 && *--items->next != '/')
        continue;
}

static void keep_name(struct json_items *items, char c)
{
    if (items->name_len < JSON_ITEMS_KEY_MAX)
        items->name[items->name_len++] = c;
}

/* Whether the path's next part is the first item of a list. */
static bool first_is_next(const struct json_items *items)
{
    return items->next[0] == '/' && items->next[1] == '0' && strchr("/", items->next[2]);
}

/* --- one byte --- */

/* The container that was just opened may be on the way, or the list itself. */
static void enter(struct json_items *items, bool is_list)
{
    bool is_next = items->is_next && items->depth - 1 == items->on_path;
    items->is_next = false;
    if (!is_next || items->done)
        return;
    go_down(items);
    if (is_list && *items->next == '\0')
        items->list_depth = items->depth;
    else
        items->is_next = is_list && first_is_next(items);
}

static bool open_container(struct json_items *items, bool is_list)
{
    if (items->depth == JSON_DEPTH_MAX)
        return stop(items, JSON_ITEMS_TOO_DEEP);
    items->structure[items->depth++] = !is_list;
    if (items->list_depth == 0)
        enter(items, is_list);
    items->at_name = !is_list;
    return true;
}

static bool close_container(struct json_items *items)
{
    if (items->depth == 0) /* not JSON: the strict reader will say so */
        return true;
    if (items->list_depth == items->depth) {
        items->list_depth = 0;
        items->done = true;
    }
    if (items->on_path == items->depth)
        go_up(items);
    items->depth--;
    items->at_name = false;
    return true;
}

static void string_byte(struct json_items *items, char c)
{
    if (items->escaped)
        items->escaped = false;
    else if (c == '\\')
        items->escaped = true;
    else if (c == '"')
        items->in_string = false;
    if (items->at_name && items->in_string)
        keep_name(items, c);
}

static bool plain_byte(struct json_items *items, char c)
{
    switch (c) {
    case '"':
        items->in_string = true;
        items->name_len = 0;
        return true;
    case '{':
    case '[':
        return open_container(items, c == '[');
    case '}':
    case ']':
        return close_container(items);
    case ':':
        items->at_name = false;
        items->is_next = items->list_depth == 0 && is_next_part(items);
        return true;
    case ',':
        items->is_next = false;
        items->at_name = items->depth > 0 && items->structure[items->depth - 1];
        return true;
    default:
        return true;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* --- items --- */

static bool end_item(struct json_items *items, const char *end)
{
    struct str text = items->in_place ? (struct str){items->from, (size_t)(end - items->from)}
                                      : buf_str(&items->taken);
    items->in_item = false;
    buf_add_char(items->rest, '0');
    if (items->taken.overflow || items->rest->overflow)
        return stop(items, JSON_ITEMS_TOO_LONG);
    bool more = items->item(items->context, text);
    buf_clear(&items->taken);
    return more || stop(items, JSON_ITEMS_STOPPED);
}

/* Number, true, false and null end at what cannot be a part of them. */
static bool ends_scalar(const struct json_items *items, char c)
{
    return items->in_item && items->item_is_scalar && (c == ',' || c == ']' || is_blank(c));
}

static bool begins_item(const struct json_items *items, char c)
{
    return !items->in_item && items->list_depth != 0 && items->depth == items->list_depth &&
           c != ',' && c != ']' && !is_blank(c);
}

static bool ends_item(const struct json_items *items)
{
    return items->in_item && !items->item_is_scalar && items->depth == items->list_depth &&
           !items->in_string;
}

static void keep_byte(struct json_items *items, char c)
{
    if (!items->in_item)
        buf_add_char(items->rest, c);
    else if (!items->in_place)
        buf_add_char(&items->taken, c);
}

static bool push_byte(struct json_items *items, const char *at)
{
    char c = *at;
    if (ends_scalar(items, c) && !end_item(items, at))
        return false;
    if (begins_item(items, c)) {
        items->in_item = true;
        items->from = at;
        items->item_is_scalar = c != '"' && c != '{' && c != '[';
    }
    keep_byte(items, c);
    if (items->taken.overflow || items->rest->overflow)
        return stop(items, JSON_ITEMS_TOO_LONG);
    if (items->in_string)
        string_byte(items, c);
    else if (!plain_byte(items, c))
        return false;
    return !ends_item(items) || end_item(items, at + 1);
}

bool json_items_push(struct json_items *items, struct str bytes)
{
    for (size_t i = 0; i < bytes.len && items->fault == JSON_ITEMS_NONE; i++)
        push_byte(items, &bytes.data[i]);
    return items->fault == JSON_ITEMS_NONE;
}
