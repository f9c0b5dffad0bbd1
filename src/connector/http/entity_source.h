/* How a declarative connector finds its entities: calls that list them and describe their fields,
 * and a schema in a file (connectors/NAME/entities.json) for what the vendor has no call for. Both
 * may be there, such as a schema with the usual fields and a call for a customer's own.
 *
 * Templates can name, beside a profile's properties, {entity.name} (the entity that is asked
 * about), {entity.last} (what follows its last slash), {entity.names} (it and all that it inherits
 * from, with commas), {page.offset}, {page.number} (from 1), {page.size}, {page.cursor}, and, of a
 * list's item, {item.MEMBER.MEMBER}. */
#pragma once

#include "connector/entities.h"
#include "connector/entity_field.h"
#include "connector/http/http_connector.h"

/* Whether something is so of an item, or of an answer. */
struct entity_flag {
    const char *at;     /* JSON pointer; NULL: never so; "": always so */
    const char *equals; /* the scalar there; NULL: it is there, and is not false, "" or 0 */
    bool is_not;        /* the opposite */
};

enum entity_paging {
    PAGES_NONE,   /* one answer has all */
    PAGES_OFFSET, /* {page.offset}, until a page has fewer items than `size` */
    PAGES_NUMBER, /* {page.number}, likewise */
    PAGES_CURSOR, /* {page.cursor}: what `next` points to in the answer before, until it is absent
                   */
    PAGES_LINK,   /* the URL that `next` points to, at the same host, until it is absent */
};

struct entity_pages {
    enum entity_paging kind;
    int size;                /* {page.size} */
    const char *next;        /* JSON pointer */
    const char *total;       /* with an offset: header with the number of all items, also of those
                              * that a page leaves out as the user must not see them; NULL: none */
    struct entity_flag more; /* with a cursor or a link: there is a next page only when this is so
                              * of the answer; its `at` NULL: when `next` leads to something */
};

/* Items of a list in the answers to a call. */
struct entity_items {
    struct connector_call call;
    struct entity_pages pages;
    const char *at;           /* JSON pointer to the list; "": the answer is the list */
    bool lone;                /* a single item stands there alone, without a list, and nothing when
                               * there is none; `call.needs` is what every answer has */
    struct entity_flag where; /* only these items; its `at` NULL: all */
    int missing;              /* status that says that there is no such entity; 0: none does */
    /* Verdict that says so too, where the status does not; VERDICT_ACCEPTED: none does. For calls
     * that name the entity, with credentials that were accepted by then, VERDICT_MISCONFIGURED is
     * the vendor's word that the name leads nowhere; but not of a redirect or a web page, and not
     * without an answer. */
    enum verdict_kind missing_kind;
    struct {
        const struct entity_flag *rows; /* a failed answer for which one is so says it too */
        size_t count;
    } missing_when;
};

/* What to do with items that are entities. In patterns '*' is any text without a slash. */
struct entity_list_source {
    const char *within; /* pattern of the entity in which these are nested; NULL: outermost */
    const char *group;  /* NULL: "Objects" */
    struct entity_items items;
    const char *name;  /* template: "{item.name}" */
    const char *under; /* with a name that fills to a URL: of it what follows the last slash counts,
                        * and this stands before it; NULL: the name is as it fills */
    const char *label; /* template; NULL: the name */
    bool nested;       /* each has nested entities */
};

/* What a type of the vendor's means. */
struct entity_type {
    const char *type;                 /* NULL: any other */
    const char *shown;                /* as fieldType; NULL: as the vendor has it */
    struct connector_texts operators; /* of filters on fields that can be filtered by */
    struct connector_texts values;
    bool is_time; /* incremental flows can go by it */
};

struct entity_types {
    const struct entity_type *rows;
    size_t count;
};

/* The write operations whose records are found by a field for which `when` is so. */
struct entity_writes {
    struct entity_flag when;
    struct connector_texts operations;
};

/* A table's parent, whose fields it has as well. Asked for again and again, ENTITY_DEPTH_MAX times
 * at most; {entity.name} is the table whose parent is asked for. */
struct entity_parent {
    struct connector_call call;
    const char *at; /* JSON pointer to the parent's name in the answer; absent or "": none */
};

/* What to do with items that are fields. */
struct entity_field_source {
    const char *of; /* pattern, as `within`, of the entities that it describes; NULL: all */
    struct entity_items items;
    const struct entity_parent *parent; /* NULL: nothing is inherited */
    /* Templates. */
    const char *name;
    const char *label;       /* NULL: the name */
    const char *description; /* NULL: the label */
    const char *type;
    struct entity_flag is_key, is_hidden, queryable, is_time;
    struct entity_flag creatable, updatable, upsertable, nullable, defaulted;
    struct {
        const struct entity_writes *rows; /* the first that is so counts */
        size_t count;
    } writes;
};

/* A call that succeeds only when the entity is there, for entities whose fields are those of a
 * schema. */
struct entity_check {
    const char *of; /* pattern, as `within` */
    struct connector_call call;
};

struct connector_entities {
    /* Hooks, for what rows cannot say: instead of everything below. NULL for most. */
    bool (*list)(struct vendor_connection *connection, const struct entity_query *query,
                 struct entity_list *list);
    bool (*describe)(struct vendor_connection *connection, const struct entity_query *query,
                     struct entity_fields *fields);
    const char *schema;   /* NAME of connectors/NAME/entities.json; NULL: there is none */
    const char *no_marks; /* an entity's name has none of these: in calls they would be parts of
                           * a query; NULL: any may be there */
    struct entity_types types; /* the first that fits counts; none: no filters */
    struct {
        const struct entity_list_source *rows;
        size_t count;
    } lists;
    struct {
        const struct entity_field_source *rows;
        size_t count;
    } fields;
    struct {
        const struct entity_check *rows;
        size_t count;
    } checks;
};

/* --- the engine --- */

/* As connector_ops has them, for connectors with a description. */
bool http_list_entities(struct vendor_connection *connection, const struct entity_query *query,
                        struct entity_list *list);
bool http_describe_entity(struct vendor_connection *connection, const struct entity_query *query,
                          struct entity_fields *fields);

/* --- for connectors with code of their own --- */

/* Makes the call for each page, and gives each item that `where` lets pass to `each`, which may use
 * {item.…} and may take memory of `scratch` for as long as it runs. False: the verdict says why. */
struct entity_reader {
    const struct entity_items *items;
    /* False: no more items are wanted, as a list is full. */
    bool (*each)(void *context, const struct value *item, struct arena *scratch);
    void *context;
    bool stopped; /* `each` said so */
    /* What stands beside the list in the latest answer; until the next call. */
    const struct value *rest;
};
bool entity_items_read(struct vendor_connection *connection, struct entity_reader *reader);

/* What calls can name as {entity.name}, {entity.last} and {entity.names}. */
void entity_scope_set(struct vendor_connection *connection, struct str name, struct str names);
/* What calls can name as {entity.statement}: text of a query language, made of names that were
 * checked or quoted. */
void entity_statement_set(struct vendor_connection *connection, struct str statement);

bool entity_flag_holds(struct arena *arena, const struct entity_flag *flag,
                       const struct value *item);

/* Whether it is the name of one of those that the pattern means: '*' is any text without a slash.
 */
bool entity_pattern_fits(struct str pattern, struct str name);

/* Always false: the verdict is that the vendor has no such entity, or none nested in it. */
bool entity_absent(struct vendor_connection *connection, struct str name, const char *what);
/* Always false: there are more than one list may have, or `no_room` for them in the request's
 * memory, for which the vendor is not to blame. */
bool entity_too_many(struct vendor_connection *connection, const char *what, bool no_room);

/* Sets what the row for the field's type says: the type as it is shown, the operators of filters
 * (none unless `filterable`), the values, and whether incremental flows can go by it. Nothing
 * changes when there is no row. */
void entity_field_set_type(const struct entity_types *types, bool filterable,
                           struct entity_field *field);

/* --- schemas: entity_schema.c --- */

/* Adds the entities of a schema that are nested in `within` (STR_NULL: the outermost). False: the
 * list is full. */
bool entity_schema_list(const struct connector_entities *entities, struct str within,
                        struct arena *arena, struct entity_list *list);
/* Adds the fields of an entity of the schema. */
bool entity_schema_describe(const struct connector_entities *entities, unsigned roles,
                            struct str name, struct arena *arena, struct entity_fields *fields);
/* The schema's whole text, or STR_NULL. */
struct str entity_schema_text(const char *name);
