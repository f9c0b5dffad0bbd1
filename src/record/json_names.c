/* Reads a record for its names; values are only checked. */
#include "record/json_names.h"

#include "base/hash.h"

#include <assert.h>

struct json_name {
    struct map_link link;
    struct json_name *next; /* new one */
};

void json_names_init(struct json_names *names)
{
    *names = (struct json_names){.memory = {.kind = ARENA_PLAIN}};
}

void json_names_done(struct json_names *names)
{
    map_done(&names->seen);
    arena_done(&names->memory);
}

static void forget(struct json_names *names)
{
    map_done(&names->seen);
    names->seen = (struct map){0};
    arena_reset(&names->memory);
    names->first = names->last = NULL;
    names->count = 0;
}

/* The text of a name; longer than RECORD_NAME_MAX if it is, of which not all may be there. */
static struct str name_text(struct json_names *names, const struct json_string *string)
{
    if (!string->escaped || string->len > JSON_NAME_ESCAPED_MAX)
        return (struct str){string->text, string->len};
    char *text = arena_take(&names->memory, string->len);
    return (struct str){text, json_unescape(string, text)};
}

/* RECORD_FAULTS: none. */
static enum record_fault take_name(struct json_names *names, const struct record_schema *schema,
                                   struct str text)
{
    uint64_t hash = hash_text(text);
    if (map_find_hashed(&names->seen, text, hash))
        return RECORD_FAULT_DUPLICATE;
    bool is_new = record_schema_find(schema, text, hash) == RECORD_NO_COLUMN;
    if (is_new && (text.len == 0 || text.len > RECORD_NAME_MAX))
        return RECORD_FAULT_NAME;
    if (is_new && schema->count + names->count == RECORD_COLUMNS_MAX)
        return RECORD_FAULT_COLUMNS;
    struct json_name *name = arena_new(&names->memory, struct json_name);
    name->link.name = text;
    map_add_hashed(&names->seen, &name->link, hash);
    if (!is_new)
        return RECORD_FAULTS;
    if (names->last)
        names->last->next = name;
    else
        names->first = name;
    names->last = name;
    names->count++;
    return RECORD_FAULTS;
}

const char *json_names_read(struct json_names *names, const struct record_schema *schema,
                            struct json_scan *scan, const char *p)
{
    forget(names);
    p = json_scan_to_name(scan, p + 1, true);
    while (p && *p != '}') {
        struct json_string string;
        p = json_scan_name(scan, p, &string);
        if (!p)
            return NULL;
        enum record_fault fault = take_name(names, schema, name_text(names, &string));
        if (fault != RECORD_FAULTS)
            return json_scan_fail(scan, (int)fault,
                                  fault == RECORD_FAULT_DUPLICATE ? p : string.text);
        p = json_scan_value(scan, p, 1);
        p = p ? json_scan_to_name(scan, p, false) : NULL;
    }
    return p ? p + 1 : NULL;
}

void json_names_add(const struct json_names *names, struct record_schema *schema)
{
    for (const struct json_name *name = names->first; name; name = name->next) {
        int column;
        enum record_fault fault;
        bool added = record_schema_column(schema, name->link.name, &column, &fault);
        assert(added);
        (void)added;
    }
}
