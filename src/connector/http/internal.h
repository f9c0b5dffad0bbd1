/* The inside of a connection, for the files of the declarative engine that make it. */
#pragma once

#include "auth/oauth2.h"
#include "connector/connector.h"
#include "connector/http/connection.h"
#include "connector/http/redact.h"
#include "connector/http/response.h"
#include "connector/http/target.h"
#include "connector/http/template.h"

struct vendor_connection {
    const struct vendor_connection_config *config;
    const struct target *target;
    struct arena *arena;
    struct arena answer;        /* of the latest try: see vendor_send */
    enum vendor_state state;    /* set by vendor_move alone */
    int64_t deadline_ms;        /* of the next call, on clock_mono_ms() */
    struct redaction redaction; /* everything that must not come back in a vendor's message */
    struct verdict verdict;     /* of the latest call or grant */
    struct client_watch watch;  /* of calls that can be given up */
    bool renewable;             /* the verdict is such that a new access token may help */
    void *reading; /* what a connector keeps between the pages of a read; NULL: nothing */
    /* Frees it at the connection's end; NULL: it is the arena's. */
    void (*end_reading)(struct vendor_connection *connection);
    void *writing;   /* and between the batches of a write */
    struct str note; /* joins the verdict's hint unless it is VERDICT_ACCEPTED */
    /* From here on for declarative connectors only. */
    const struct connector_auth *auth;
    struct scope scope;              /* the target's, and the session once there is one */
    struct oauth2_material material; /* when the method is OAuth */
    struct oauth_tokens tokens;      /* in hand */
    bool of_attempt;                 /* the call is of a refresh token's: see grant_journal.h */
    bool granted;                    /* they differ from what was stored */
    unsigned tried;                  /* of enum connector_grant */
    unsigned
        grant; /* enum connector_grant of the last token request, as the vendor sees it; 0: none */
    bool is_overlong;  /* a part of the request at hand is longer than a template is filled to */
    bool is_ending;    /* its session: what ends it is not held back */
    bool is_elsewhere; /* the call at hand is of a URL that the vendor named: no use of its API */
    int resumed;       /* how often tokens of an unfinished refresh were taken up */
};

/* --- connection_call.c --- */

/* The one place that sets the state; asserts that the transition exists. */
void vendor_move(struct vendor_connection *connection, enum vendor_state state);

/* The host that a call of this step goes to. */
struct str vendor_called_host(const struct vendor_connection *connection, enum verdict_step step);

/* --- quota.c --- */

/* The config's gate, around each try of a call of this step; the second with its answer, after the
 * verdict is set. */
bool vendor_quota_enter(struct vendor_connection *connection, enum verdict_step step);
void vendor_quota_leave(struct vendor_connection *connection, enum verdict_step step,
                        const struct vendor_response *response);

/* --- request.c --- */

/* vendor_call at another step, without a change of state: for logins. */
bool vendor_request(struct vendor_connection *connection, enum verdict_step step,
                    const struct connector_call *call, bool repeatable,
                    struct vendor_response *ret_response);

/* Always false: the request is longer than one may be, and is not sent. */
bool vendor_fail_long(struct vendor_connection *connection);

/* --- token_grant.c --- */

/* The next grant that could bring tokens; 0: none is left, or the method is not OAuth. */
enum connector_grant vendor_next_grant(const struct vendor_connection *connection);

/* Turns a one-time credential into tokens, through the journal. */
bool vendor_take_grant(struct vendor_connection *connection, enum connector_grant grant);

/* The OAuth app that the client is: its id is empty where the credentials name none. False with the
 * verdict set when it cannot be read, or its secret may not be sent to the token endpoint. */
bool vendor_find_app(struct vendor_connection *connection, struct oauth_app *ret_app);

/* --- grant_request.c --- */

/* The parameters of a grant, all but the client's; *ret_secret: what of them proves the grant, and
 * may be used up. False with the verdict set when it cannot be made. */
bool vendor_grant_request(struct vendor_connection *connection, enum connector_grant grant,
                          struct oauth2_request *ret_request, struct str *ret_secret);

/* --- token_renewal.c --- */

/* A refresh token that an earlier attempt may have used up. */
struct lost_refresh {
    struct str refresh_token;
    struct str token_url;
    const struct oauth_app *app; /* NULL: none */
    int64_t attempted_at_ms;     /* wall clock */
};

enum lost_refresh_step {
    LOST_SEND_AGAIN, /* it is unspent, or nothing is to lose */
    LOST_WAIT,       /* to show it again could end the access token, which still works */
    LOST_SPENT,      /* it must not be shown again */
};

/* What is in force of the method of authentication, which is OAuth. */
const struct token_policy *vendor_policy(const struct vendor_connection *connection);

/* Introspection (RFC 7662, 2) beside the token endpoint: `path` takes the place of its path. The
 * client authenticates as it does for a token. True when the answer has "active", which tells
 * whether it knows the token. The response as after vendor_send. */
struct introspection {
    struct str token_url;
    const char *path;
    struct str token;
    struct str hint;             /* its kind: token_type_hint */
    const struct oauth_app *app; /* NULL: none */
};
bool vendor_introspect(struct vendor_connection *connection,
                       const struct introspection *introspection, bool *ret_active,
                       struct vendor_response *ret_response);

/* What to do about it, by the vendor's policy. May ask the vendor, without spending it; leaves the
 * verdict as it is. */
enum lost_refresh_step vendor_judge_lost(struct vendor_connection *connection,
                                         const struct lost_refresh *lost);

/* --- credential_end.c --- */

/* What a good answer to end->call says. */
struct credential_end vendor_read_end(const struct connector_end *end, const struct value *json);

bool http_ask_end(const struct vendor_connection_config *config, struct verdict *ret_verdict,
                  struct credential_end *ret_end);
