/* One verification under way: what it knows, and what came of it so far. */
#pragma once

#include "connector/http/auth_choice.h"
#include "connector/http/redact.h"
#include "connector/http/response.h"
#include "connector/http/target.h"
#include "connector/http/template.h"
#include "connector/http/verify.h"

struct connection {
    const struct verification *v;
    const struct connector_auth *auth;
    struct scope scope;
    struct oauth2_material material; /* when the way is OAuth */
    struct redaction redaction;      /* everything that must not come back in words */
    int64_t deadline_ms;             /* of the next call, on clock_mono_ms() */
    struct oauth_tokens tokens;      /* in hand */
    bool granted;                    /* they differ from what was stored */
    unsigned tried;                  /* of enum connector_grant */
    bool resumed;                    /* a refresh of an earlier try was taken up */
    struct verdict verdict;
    bool renewable;  /* the verdict is such that a new access token may help */
    struct str note; /* joins the hint unless all ends well */
};

/* A run that knows nothing yet but what must not come back in words. */
void connection_init(struct connection *connection, const struct verification *v);

/* Sets the verdict where no call was made. `words` are cleaned. Always false. */
bool connection_fail(struct connection *connection, enum verdict_kind kind, enum verdict_step step,
                     struct str message, const char *hint);

/* --- connection_call.c --- */

enum {
    CALL_TRIES_MAX = 3,
    CALL_THROTTLED_PAUSE_MS = 1000, /* first wait when 429 came without Retry-After; then doubled */
    CALL_FAULT_PAUSE_MS = 500,      /* before the one repetition after a server fault */
    CALL_ROOM_MS = 200,             /* no try is begun with less time left */
};

void connection_pause(const struct connection *connection, int64_t duration_ms);

/* Makes a call, judges the answer, repeats it within the time limit where that may help, and sets
 * the verdict. What consumes something must not be `repeatable`: then only an answer that proves
 * nothing was consumed (429) is followed by another try. True when the answer is a good one. */
bool connection_send(struct connection *connection, enum verdict_step step, const char *needs,
                     struct client_request *request, bool repeatable,
                     struct vendor_response *ret_response);

/* --- private_route.c --- */

/* In Private mode sets request->route, or the verdict when the operator has no route for it. */
bool connection_take_route(struct connection *connection, enum verdict_step step,
                           struct client_request *request);

/* --- probe.c --- */

/* Makes one call of the connector's as connection_send does. What shows who we are goes with it as
 * far as it is in hand. */
bool connection_call(struct connection *connection, enum verdict_step step, const struct url *base,
                     const struct connector_call *call, bool repeatable,
                     struct vendor_response *ret_response);

/* Makes the calls that prove the credentials. */
bool verify_probe(struct connection *connection);

/* --- login_session.c --- */

enum {
    SESSION_TOKEN_MAX = 16 * 1024, /* bytes */
    SESSION_END_MS = 1000,         /* to end a session, also when the time limit has passed */
};

/* Logs in, makes the calls that prove the credentials, and logs out. */
void verify_session(struct connection *connection);

/* --- token_grant.c --- */

/* The next grant that could bring tokens; 0: none is left. */
enum connector_grant connection_next_grant(const struct connection *connection);

/* Turns a one-time credential into tokens, through the journal. */
bool connection_take_grant(struct connection *connection, enum connector_grant grant);
