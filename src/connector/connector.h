/* A connector as the rest of the server sees it: who it is, what it may be used for, and a table of
 * operations, as a virtual file system has one. Two kinds of implementation stand behind the table:
 * the declarative engine (connector/http/, which a description in http/http_connector.h drives),
 * and code of a connector's own. A NULL operation says that the vendor cannot do it. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "connector/verdict.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct http_connector;
struct oauth_tokens;
struct target;
struct value;
struct vendor_connection;
struct vendor_connection_config;

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
    /* Authenticates, as vendor_open (connector/connection.h). */
    bool (*open)(struct vendor_connection *connection);
    /* Calls the vendor, for credentials that `check` let pass. *ret_tokens is what shall be stored
     * beside the credentials. True only for VERDICT_ACCEPTED. Waits; never on an event loop. */
    bool (*verify)(const struct vendor_connection_config *config, struct verdict *ret_verdict,
                   struct oauth_tokens *ret_tokens);
    /* Over an open connection, with the members of the API's operations of these names (the first
     * two), and with records: no connector has them yet. */
    bool (*list_entities)(struct vendor_connection *connection, const struct value *input,
                          struct value *output, struct error *error);
    bool (*describe_entity)(struct vendor_connection *connection, const struct value *input,
                            struct value *output, struct error *error);
    bool (*read)(struct vendor_connection *connection, const struct value *query,
                 struct value *records, struct error *error);
    bool (*write)(struct vendor_connection *connection, const struct value *records,
                  struct value *outcomes, struct error *error);
    /* A copy of connector.custom in the arena, with all that it points to: see connector_find. NULL
     * where `custom` is. */
    void *(*copy_custom)(const void *custom, struct arena *arena);
};

struct connector {
    struct str type;  /* the API's ConnectorType */
    struct str key;   /* its member in the configuration's unions, which may be spelled otherwise */
    struct str label; /* of a registered connector; empty: it is compiled in */
    struct str owner; /* AWS account that registered it; empty: it is compiled in */
    unsigned roles;   /* of enum connector_role */
    unsigned modes;   /* of enum connector_mode, beside Public */
    const struct connector_ops *ops;
    const struct http_connector *http; /* what drives the declarative engine; NULL: nothing */
    void *custom;                      /* what an implementation of its own needs; NULL: nothing */
};

/* --- the registry: registry.c --- */

enum { CONNECTORS_REGISTERED_MAX = 4096 }; /* of all accounts together */

/* What an account means by a type and, for connectors of its own, a label: that which is compiled
 * in when `label` is empty, else a copy in the arena of what the account registered. NULL: there is
 * none. Any thread. */
const struct connector *connector_find(struct str type, struct str label, struct str account,
                                       struct arena *arena);

/* Adds a copy; label, owner and ops must be set. ERR_CONFLICT when the owner has the label already,
 * ERR_QUOTA past CONNECTORS_REGISTERED_MAX. Any thread. */
_must_use_ bool connector_register(const struct connector *connector, struct error *error);
/* Look-ups that found it before keep their copies. ERR_NOT_FOUND when there is none. Any thread. */
_must_use_ bool connector_unregister(struct str account, struct str label, struct error *error);

/* Those that are compiled in. NULL when there is none. */
const struct connector *connector_by_type(struct str type);
const struct connector *connector_by_key(struct str key);
size_t connector_count(void);
const struct connector *connector_at(size_t index); /* in order of type */

/* The connector's type as a number below connector_count(), for metrics: connectors of users count
 * under the type that they are registered with. */
size_t connector_type_index(const struct connector *connector);

/* False for a connector that is known by its shapes only: it cannot be verified. */
bool connector_is_built(const struct connector *connector);

/* The connectors that are compiled in, in order of type; connectors/meson.build writes the list. */
extern const struct connector *const connector_builtin[];
extern const size_t connector_builtin_count;
