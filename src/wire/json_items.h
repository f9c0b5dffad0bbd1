/* Takes the items of one list out of a JSON text that comes in pieces, so that a list of any length
 * is read with memory for one item. What is left is the text with "0" in the place of each item: it
 * is as valid as the whole was, and has everything that stands beside the list. This reader follows
 * strings and nesting alone; strict reading of each item and of what is left is json_value.h's. */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "wire/json_value.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    JSON_ITEMS_KEY_MAX = 128,         /* bytes of a member's name on the way to the list */
    JSON_ITEMS_ITEM_MAX = 256 * 1024, /* bytes of one item */
};

enum json_items_fault {
    JSON_ITEMS_NONE,
    JSON_ITEMS_TOO_DEEP, /* past JSON_DEPTH_MAX */
    JSON_ITEMS_TOO_LONG, /* an item past JSON_ITEMS_ITEM_MAX, or more beside the list than fits */
    JSON_ITEMS_STOPPED,  /* `item` returned false */
};

struct json_items {
    const char *path; /* JSON pointer to the list, without ~ escapes; of list indexes it may have 0,
                       * for the first item; "": the list is all */
    /* One item's text, which lives until it returns. False: no further piece is taken. */
    bool (*item)(void *context, struct str text);
    void *context;
    /* The text is pushed whole, by one call: items stay where they are in it, and are of any
     * length. */
    bool in_place;
    struct buf *rest; /* where what is left goes */
    enum json_items_fault fault;
    /* How far it has come. */
    struct buf taken;  /* the item at hand; */
    const char *from;  /* …or where it begins, in place */
    const char *next;  /* the rest of the path, from the part that the next name must be; "" */
    size_t depth;      /* open structures and lists */
    size_t on_path;    /* how many of them, from the outside, lie on the way to the list */
    size_t list_depth; /* depth inside the list; 0: it has not begun, or it is over */
    bool done;         /* the list is over: another one at the same place is not taken */
    bool in_string, escaped;
    bool at_name; /* in a structure on the way, where a name is to come */
    bool is_next; /* the value to come is what the next part of the path names */
    bool in_item, item_is_scalar;
    bool structure[JSON_DEPTH_MAX];
    char name[JSON_ITEMS_KEY_MAX];
    size_t name_len; /* JSON_ITEMS_KEY_MAX: too long to be the one */
};

/* Memory for the item at hand is the arena's. */
void json_items_init(struct json_items *items, const char *path, struct arena *arena,
                     struct buf *rest);

/* The next bytes of the text. False: `fault` says why, and no more is taken. */
bool json_items_push(struct json_items *items, struct str bytes);
