/* What the files of the declarative engine share: a target as it resolves it, and the inside of a
 * connection. */
#pragma once

#include "connector/connector.h"
#include "connector/http/auth_choice.h"
#include "connector/http/connection.h"
#include "connector/http/endpoint.h"
#include "connector/http/redact.h"
#include "connector/http/response.h"
#include "connector/http/template.h"

/* The part of a target that only this engine reads. */
struct http_target {
    struct scope scope;
    struct endpoint api;
    struct endpoint account; /* whose host a probe's response must name, where one is to */
    struct endpoint *tokens; /* of each row of the connector's `auth` that is OAuth */
    struct str *token_urls;  /* whole; STR_NULL where it cannot be called */
    /* What the credentials chose. */
    const struct connector_auth *auth; /* NULL: nothing to authenticate with, or not chosen yet */
    struct oauth2_material material;   /* where `auth` is OAuth, as the next two */
    const struct endpoint *token;
    struct str token_url;
};

void http_resolve(struct target *target);
void http_choose_auth(struct target *target);
_must_use_ bool http_check(const struct target *target, struct error *error);
/* ERR_VALIDATION when a URL of the properties would send credentials over http to a host that the
 * operator has not opened; names the member. May wait for a look-up. */
_must_use_ bool http_check_encrypted(const struct target *target, struct error *error);

struct vendor_connection {
    const struct vendor_connection_config *config;
    const struct target *target;
    struct arena *arena;
    enum vendor_state state;    /* set by vendor_move alone */
    int64_t deadline_ms;        /* of the next call, on clock_mono_ms() */
    struct redaction redaction; /* everything that must not come back in a vendor's message */
    struct verdict verdict;     /* of the latest call or grant */
    bool renewable;             /* the verdict is such that a new access token may help */
    struct str note;            /* joins the verdict's hint unless it is VERDICT_ACCEPTED */
    /* From here on for declarative connectors only. */
    const struct connector_auth *auth;
    struct scope scope;              /* the target's, and the session once there is one */
    struct oauth2_material material; /* when the method is OAuth */
    struct oauth_tokens tokens;      /* in hand */
    bool granted;                    /* they differ from what was stored */
    unsigned tried;                  /* of enum connector_grant */
    unsigned grant;                  /* enum connector_grant of the last token request; 0: none */
    bool resumed;                    /* the tokens of an unfinished refresh were taken up */
};

/* --- connection_call.c --- */

/* The one place that sets the state; asserts that the transition exists. */
void vendor_move(struct vendor_connection *connection, enum vendor_state state);

/* --- request.c --- */

/* vendor_call at another step, without a change of state: for logins. */
bool vendor_request(struct vendor_connection *connection, enum verdict_step step,
                    const struct connector_call *call, bool repeatable,
                    struct vendor_response *ret_response);

/* --- token_grant.c --- */

/* The next grant that could bring tokens; 0: none is left, or the method is not OAuth. */
enum connector_grant vendor_next_grant(const struct vendor_connection *connection);

/* Turns a one-time credential into tokens, through the journal. */
bool vendor_take_grant(struct vendor_connection *connection, enum connector_grant grant);
