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

struct http_connector;
struct oauth_tokens;
struct verification;

enum connector_mode {
    MODE_PRIVATE = 1 << 0, /* calls can take the operator's private routes */
};

/* What a flow can use it as, by AppFlow's documentation. */
enum connector_role {
    ROLE_SOURCE = 1 << 0,
    ROLE_DESTINATION = 1 << 1,
};

struct connector_ops {
    /* See connector_verify. */
    bool (*verify)(const struct verification *verification, struct verdict *ret_verdict,
                   struct oauth_tokens *ret_tokens);
};

struct connector {
    struct str type; /* the API's ConnectorType */
    struct str key;  /* its member in the configuration's unions, which may be spelled otherwise */
    unsigned roles;  /* of enum connector_role */
    unsigned modes;  /* of enum connector_mode, beside Public */
    const struct connector_ops *ops;
    const struct http_connector *http; /* what drives the declarative engine; NULL: nothing */
};

/* NULL when there is none. Connectors may be added at run time later: ask each time. */
const struct connector *connector_by_type(struct str type);
const struct connector *connector_by_key(struct str key);
size_t connector_count(void);
const struct connector *connector_at(size_t index);        /* in order of type */
size_t connector_index(const struct connector *connector); /* of one that connector_at gives */

/* False for a connector that is known by its shapes only: nothing of it may be verified. */
bool connector_is_built(const struct connector *connector);

/* The connectors that are compiled in, in order of type; connectors/meson.build writes the list. */
extern const struct connector *const connector_builtin[];
extern const size_t connector_builtin_count;
