/* A connector as the rest of the server sees it: who it is, what it may be used for, and a table of
 * operations, as a virtual file system has one. Two kinds of implementation stand behind the table:
 * the declarative engine (connector/http/, which a description in http/http_connector.h drives),
 * and code of a connector's own. A NULL operation says that the vendor cannot do it. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "connector/verdict.h"
#include "record/csv_value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct catalogue_entry;
struct credential_end;
struct entity_fields;
struct entity_list;
struct entity_query;
struct http_connector;
struct load_ops;
struct oauth_tokens;
struct read_page;
struct read_page_end;
struct read_query;
struct target;
struct value;
struct vendor_connection;
struct vendor_connection_config;
struct write_batch;
struct write_query;

/* Fills a list's pointer and count from an array. */
#define LIST(array)                                                                                \
    {                                                                                              \
        (array), sizeof(array) / sizeof((array)[0])                                                \
    }

struct connector_texts {
    const char *const *rows;
    size_t count;
};

bool connector_texts_have(const struct connector_texts *texts, struct str text);

/* A list of texts, in an initializer at file scope. */
#define TEXT_LIST(...) LIST(((const char *const[]){__VA_ARGS__}))

enum connector_mode {
    MODE_PRIVATE = 1 << 0, /* calls can take the operator's private routes */
};

/* What a flow can use it as, by AppFlow's documentation. */
enum connector_role {
    ROLE_SOURCE = 1 << 0,
    ROLE_DESTINATION = 1 << 1,
};

/* NULL: the vendor, or this version, cannot do it. */
struct connector_ops {
    /* Sets what a target's properties lead to. Reads nothing else, so that it may run on an event
     * loop: see target_resolve. */
    void (*resolve)(struct target *target);
    /* Chooses the authentication that target->credentials mean. */
    void (*choose_auth)(struct target *target);
    /* Rules across members that the model cannot say: ERR_VALIDATION before any call, with the real
     * service's text where it is known. May wait for the look-up of a host's name; never on an
     * event loop. */
    bool (*check)(const struct target *target, struct error *error);
    /* The same for a query of entities; NULL: any will do. Never waits. */
    bool (*check_query)(const struct target *target, const struct entity_query *query,
                        struct error *error);
    /* Authenticates, as vendor_open (connector/connection.h). */
    bool (*open)(struct vendor_connection *connection);
    /* Calls the vendor, for credentials that `check` let pass. *ret_tokens is what shall be stored
     * beside the credentials. True only for VERDICT_ACCEPTED. Waits; never on an event loop. */
    bool (*verify)(const struct vendor_connection_config *config, struct verdict *ret_verdict,
                   struct oauth_tokens *ret_tokens);
    /* Asks the vendor when the credentials end, where credential_end_is_asked. No grant is made.
     * False: *ret_verdict says why the vendor does not answer. Waits. */
    bool (*ask_end)(const struct vendor_connection_config *config, struct verdict *ret_verdict,
                    struct credential_end *ret_end);
    /* Over an open connection; see connector/entities.h for what is filled. False:
     * vendor_verdict says why (VERDICT_ABSENT: there is no such entity), and what was filled is of
     * no use; when the connection went VENDOR_STALE, both can be called again after a renewal. */
    bool (*list_entities)(struct vendor_connection *connection, const struct entity_query *query,
                          struct entity_list *list);
    bool (*describe_entity)(struct vendor_connection *connection, const struct entity_query *query,
                            struct entity_fields *fields);
    /* Reads one page of records (connector/reading.h) over an open connection. `cursor` says which;
     * STR_NULL: the first. Whole or not at all: what breaks off is not given on. False:
     * vendor_verdict says why (VERDICT_ABSENT: there is no such entity); when the connection went
     * VENDOR_STALE, the same can be called again after a renewal. Waits. */
    bool (*read)(struct vendor_connection *connection, const struct read_query *query,
                 struct str cursor, struct read_page *ret_page);
    /* After the records of a page that `read` gave were decoded, or before as a guess: the cursor
     * of the next page, in the arena; STR_NULL: it was the last one. A cursor is durable: it can be
     * read from over another connection, later. False: the vendor gave a page that cannot be
     * followed, such as the same one again, or it cannot be guessed; vendor_verdict says so. Never
     * waits. */
    bool (*read_next)(struct vendor_connection *connection, const struct read_query *query,
                      const struct read_page_end *end, struct arena *arena, struct str *ret_cursor);
    /* Ends what the vendor keeps for the reading that had come to this cursor, such as a job; over
     * an open connection, whatever it has come to. NULL: nothing is kept. Waits. */
    bool (*read_end)(struct vendor_connection *connection, const struct read_query *query,
                     struct str cursor);
    /* Writes the records of a batch that are WRITE_LEFT (connector/writing.h) over an open
     * connection, and sets the outcome of each. True: each is written or refused. False:
     * vendor_verdict says why some are still WRITE_LEFT, or WRITE_UNKNOWN; when the connection went
     * VENDOR_STALE, the same batch can be given again after a renewal. Waits. */
    bool (*write)(struct vendor_connection *connection, const struct write_query *query,
                  struct write_batch *batch);
};

/* The type of the connectors that accounts register, under labels. */
#define CUSTOM_CONNECTOR STR("CustomConnector")

struct connector {
    struct str type;  /* the API's ConnectorType */
    struct str key;   /* its member in the configuration's unions, which may be spelled otherwise */
    struct str label; /* of a registered connector; empty: it is compiled in */
    struct str owner; /* AWS account that registered it; empty: it is compiled in */
    int64_t version;  /* grows with each change of its registration; 0: it is compiled in */
    unsigned roles;   /* of enum connector_role */
    unsigned modes;   /* of enum connector_mode, beside Public */
    bool without_profiles;                   /* flows use it without a connector profile */
    const struct catalogue_entry *catalogue; /* catalogue.h; NULL: it is registered */
    const struct connector_ops *ops;
    const struct load_ops *loads;      /* how staged objects get into its tables (loading.h); NULL:
                                        * records are not written so */
    const struct http_connector *http; /* what drives the declarative engine; NULL: nothing */
    void *custom;                      /* what an implementation of its own needs; NULL: nothing */
};

/* --- the registry: registry.c --- */

enum { CONNECTOR_TYPES_MAX = 32 };

/* Those that are compiled in, one for each ConnectorType. NULL when there is none. */
const struct connector *connector_by_type(struct str type);
const struct connector *connector_by_key(struct str key);
size_t connector_count(void);                       /* at most CONNECTOR_TYPES_MAX */
const struct connector *connector_at(size_t index); /* in order of type */

/* The connector's type as a number below connector_count(), for metrics: connectors of users count
 * under the type that they are registered with. */
size_t connector_type_index(const struct connector *connector);

/* For messages: the type, or "CustomConnector LABEL", in the arena. */
struct str connector_name(const struct connector *connector, struct arena *arena);

/* Whether this version can list and describe its entities. */
bool connector_has_entities(const struct connector *connector);
/* Whether this version can read records from it. */
bool connector_has_records(const struct connector *connector);
/* Whether a query of records must name its fields, as there is no word for all of them. */
bool connector_names_fields(const struct connector *connector);
/* Whether a query's filters can be given to the vendor once their fields are described. */
bool connector_has_filters(const struct connector *connector);
/* Whether a query of records can be made only when its fields are described. */
bool connector_needs_types(const struct connector *connector);
/* Whether records do not have the field, which filters of a query are for the vendor alone. */
bool connector_filter_is_apart(const struct connector *connector, struct str entity,
                               struct str field);
/* What values of the vendor's type are in a READ_CSV page. */
enum csv_value connector_csv_value(const struct connector *connector, struct str type);
/* How the vendor writes the zone of times that are "Z" in a READ_CSV page; NULL: so. */
const char *connector_csv_utc(const struct connector *connector);
/* Whether this version can write records to it. */
bool connector_has_writes(const struct connector *connector);
/* Whether this version can have it load staged objects. */
bool connector_has_loads(const struct connector *connector);

/* False for a connector that has no profiles, or is known by its shapes only: it cannot be
 * verified. */
bool connector_is_built(const struct connector *connector);

/* The connectors that are compiled in, in order of type; connectors/meson.build writes the list. */
extern const struct connector *const connector_builtin[];
extern const size_t connector_builtin_count;
