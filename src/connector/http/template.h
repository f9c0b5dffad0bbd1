/* Templates: text with placeholders for members of a profile's properties and credentials. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "connector/http/http_connector.h"
#include "wire/value.h"

/* What placeholders can name. */
struct scope {
    const struct value *properties;
    const struct value *credentials; /* NULL: none were given */
    const struct value *derived;     /* what the connector's hook made; NULL: nothing */
    const struct value *session;     /* member "token"; NULL: there is no session */
    /* While entities are listed or described (http/entity_source.h); else NULL. */
    const struct value *entity; /* the one that is asked about */
    const struct value *page;   /* of the list that is read */
    const struct value *item;   /* of that list, which is looked at */
    /* While records are read (http/read_source.h); else NULL. */
    const struct value *source; /* the flow's properties of its source */
    const struct value *read;   /* the parts of a query */
    /* While records are written (http/write_source.h); else NULL. */
    const struct value *destination; /* the flow's properties of its destination */
    const struct value *write;       /* the parts of a call */
};

/* With what the connector derives. False, ERR_VALIDATION: the properties are no good. */
_must_use_ bool scope_make(const struct connector *connector, const struct value *properties,
                           const struct value *credentials, struct arena *arena,
                           struct scope *ret_scope, struct error *error);

/* The member at a path, "instanceUrl" or "credentials.oAuthRequest.authCode"; NULL when absent. */
const struct value *scope_value(const struct scope *scope, const char *path);
/* A string as it is, numbers and booleans spelled out; STR_NULL when absent or anything else. */
struct str scope_text(struct arena *arena, const struct scope *scope, const char *path);

/* Whether a row with these conditions applies. */
bool scope_allows(struct arena *arena, const struct scope *scope, const char *given,
                  const char *equals);

enum template_escape {
    ESCAPE_NONE,    /* headers and names of users: the value as it is */
    ESCAPE_PERCENT, /* a path, a query or a form */
    ESCAPE_JSON,    /* the inside of a JSON string */
    ESCAPE_HOST,    /* a part of a host name: anything else than letters, digits, '-', '_' and '.'
                     * becomes '!', which no URL takes, so that a value cannot move the host */
};

/* Bytes of a filled template. */
enum {
    TEMPLATE_MAX = 32 * 1024,
    TEMPLATE_BODY_MAX = 160 * 1024, /* of one that is a body */
};

/* STR_NULL: it would be longer than TEMPLATE_MAX. */
struct str template_fill(struct arena *arena, const char *template, const struct scope *scope,
                         enum template_escape escape);
/* The same with a limit of its own. */
struct str template_fill_within(struct arena *arena, const char *template,
                                const struct scope *scope, enum template_escape escape,
                                size_t most);

/* Whether what it makes contains a credential or a session: then it is a secret, too. */
bool template_is_secret(const char *template);

/* Calls `each` with the path of every placeholder. */
void template_placeholders(const char *template, void (*each)(void *context, struct str path),
                           void *context);
