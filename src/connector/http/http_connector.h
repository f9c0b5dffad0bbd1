/* The description that drives the declarative engine: where a vendor is, how a request is
 * authenticated, which call proves it, and what the vendor's responses mean. The engine
 * (connector/http/) does the rest, the same for all.
 *
 * Texts are templates: "{instanceUrl}" is replaced by a member of the profile's properties,
 * "{oAuthProperties.tokenUrl}" by a nested one, "{credentials.apiKey}" by one of the credentials,
 * "{derived.host}" by what the connector's own hook `derive` made of the properties,
 * "{session.token}" by what a login gave, and "{random.uuid}" by a new UUID each time. Entities add
 * "{entity.name}", "{page.offset}" and "{item.label}" (http/entity_source.h), and records
 * "{read.fields}" (http/read_source.h) and "{write.key}" (http/write_source.h). A brace that no
 * letter follows stands for itself.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "connector/connector.h"
#include "connector/credential_life.h"
#include "connector/http/vendor_time.h"
#include "connector/token_policy.h"
#include "connector/verdict.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct connector_entities;
struct connector_reads;
struct connector_urls;
struct connector_writes;
struct scope;
struct value;

struct connector_header {
    const char *name;
    const char *value; /* template */
};

struct connector_headers {
    const struct connector_header *rows;
    size_t count;
};

/* A parameter of a query that is not always there. */
struct connector_param {
    const char *name;
    const char *value; /* template; what is put in is escaped */
    const char *given; /* sent only when this member is there; NULL: always */
    const char *flag;  /* sent only when this boolean member is true; NULL: always */
};

struct connector_params {
    const struct connector_param *rows;
    size_t count;
};

/* One call to the vendor's API. */
struct connector_call {
    const char *method;
    const char *path;   /* template after the base URL, query included; what is put in is escaped */
    const char *accept; /* NULL: application/json */
    struct connector_params query;    /* further parameters, after those in the path */
    struct connector_headers headers; /* beyond Accept and what proves who we are */
    const char *body;         /* template; what is put in is escaped as the type asks; NULL: none */
    const char *content_type; /* of the body: application/json, a form, or NULL: none */
    const char *needs;        /* JSON pointer that every good answer has; NULL: any JSON will do */
    /* A status with which VERDICT_FORBIDDEN is as good as an answer: who asks is known, and may
     * only not see this. The next call decides. 0: none. */
    int suffices;
    bool conclusive; /* a good answer says all: the calls after it are not made */
    /* JSON pointer to a URL in a good answer that says whose account this is: its host must be that
     * of `account`. NULL: the answer does not say. */
    const char *account_at;
    const struct connector_urls *account;
};

struct connector_calls {
    const struct connector_call *rows;
    size_t count;
};

/* A base URL. Of several the first that applies is taken. One without a placeholder, or with a host
 * that was derived from names, is the vendor's own and gives way to the operator's endpoint map. */
struct connector_url {
    const char *given;       /* applies only when this member is there; NULL: always */
    const char *flag;        /* applies only when this boolean member is true; NULL: always */
    const char *url;         /* template; as a whole "{member}" it may have no scheme: https then */
    const char *bare_domain; /* "example.com": a value "acme" means acme.example.com */
    /* "api": the API of each of the connector's domains is on that label, where people write the
     * domain alone or another label, such as "app" or their organization's name. NULL: hosts are
     * taken as given. */
    const char *label;
    /* Hosts that end with this serve web pages and are refused; pages_api in its place makes the
     * API's host, which the error names. NULL: there are none. */
    const char *pages;
    const char *pages_api;
    struct connector_texts drop; /* "/rest": left out where the URL ends with it */
    bool exact; /* no base but a whole URL: slashes at its end and its query are part of it */
    /* Applies only to https URLs of the connector's `hosts`, and keeps of them the host alone: the
     * port is 443 and there is no path. For requests with a secret that the owner of the profile
     * does not have, such as the client secret of the operator's app. */
    bool vendor_hosts_only;
    bool derived_host; /* the user gave names that make a host, not a URL */
    /* The vendor was discontinued: only the operator's endpoint map can name a replacement.
     * This is said when it names nothing. NULL: the vendor is there. */
    const char *closed;
    const struct connector_call *probe; /* what proves credentials there; NULL: the usual probes */
};

struct connector_urls {
    const struct connector_url *rows;
    size_t count;
};

enum connector_grant {
    GRANT_REFRESH = 1 << 0,
    GRANT_CODE = 1 << 1,
    GRANT_JWT_BEARER = 1 << 2,
    GRANT_CLIENT_CREDENTIALS = 1 << 3,
    GRANT_PASSWORD = 1 << 4,
    GRANT_ASSERTION_KEY = 1 << 5, /* JWT bearer with an assertion that this server signs anew */
    GRANT_LAST = GRANT_ASSERTION_KEY,
};

/* A life that is asked for: the vendor's own parameter for it, a number. */
struct connector_life {
    const char *param;
    int seconds;
};

struct connector_lives {
    const struct connector_life *rows;
    size_t count;
};

/* Assertions that this server signs (auth/assertion_key.h), as the vendor takes them. */
struct connector_assertion {
    struct connector_urls audiences; /* the `url` of the first row that applies, as it is */
    int life_s; /* short: the vendor's clock may be some minutes from ours, in either direction */
};

enum connector_client {
    CLIENT_IN_CREDENTIALS, /* members clientId and clientSecret */
    /* The operator's app for the connector, or clientCredentialsArn's, which belongs to the AWS
     * account: see connector_url.vendor_hosts_only, without which no token URL may come from the
     * properties. */
    CLIENT_APP,
};

struct connector_basic {
    const char *user;     /* template */
    const char *password; /* template */
};

/* How a person authorizes in a browser (RFC 6749, 4.1.1). Each parameter beside `extra` is the
 * engine's own: response_type, client_id, redirect_uri, scope, state, code_challenge. */
struct connector_consent {
    struct connector_urls urls;    /* of the authorization endpoint */
    bool is_choice;                /* any of them may be meant; the request says which */
    const char *path;              /* put after it; NULL: it is whole */
    const char *scope;             /* that is asked for; NULL: none, or what `scopes` holds */
    const char *scopes;            /* member of the properties with a list of them; NULL: none */
    const char *scope_param;       /* what the vendor calls the parameter; NULL: scope */
    struct connector_params extra; /* further parameters; templates of properties alone */
    bool without_pkce;             /* the vendor takes none of a client with a secret (RFC 7636) */
    /* JSON pointers in an answer with tokens whose values together say whose account it is: the
     * same person's, in the same organization. None: the answers of the probes say it. */
    struct connector_texts account;
    /* The same in the answers of the probes, as far as they have them. None of either: the vendor
     * does not say. */
    struct connector_texts account_in_probes;
    /* It is a URL whose last two segments say it; the host depends on where one signed in. */
    bool account_is_url;
};

/* Members have AppFlow's names everywhere: accessToken, refreshToken, oAuthRequest, clientId,
 * clientSecret, clientCredentialsArn, jwtToken. Where no member chooses among grants, every one
 * that the credentials suffice for is tried, client credentials too. */
struct connector_oauth2 {
    const char *members;    /* where those are: "credentials" or "credentials.oAuthCredentials" */
    const char *grant_type; /* member with an OAuth2GrantType; NULL: there is none */
    unsigned grants;        /* of enum connector_grant: what the vendor's token endpoint takes */
    enum connector_client client;
    struct connector_urls token_urls;
    const char *token_path; /* put after the token URL; NULL: it is whole */
    bool json;              /* the request is JSON; else a form */
    bool get;               /* a GET with the parameters in the query, whatever `json` says */
    bool basic;             /* the client authenticates in a Basic header; else in the body */
    /* The header is made as RFC 7617 says, not percent-encoded first as RFC 6749 wants it, and the
     * id goes in the body as well: the client is an ordinary user of the vendor's there. */
    bool basic_is_user;
    const char *scope;                   /* sent with a code or as client; NULL: none */
    bool scope_is_clients;               /* not with a code: RFC 6749, 4.1.3, has no scope there */
    const struct connector_basic *login; /* GRANT_PASSWORD's user and password; NULL: none */
    /* Member with a map of further parameters for every request; its "assertion" is what JWT bearer
     * presents. NULL: none. */
    const char *params;
    const char *tokens_at; /* JSON pointer to an object with the tokens, if there are some in it;
                            * NULL: they are at the top */
    bool api_elsewhere;    /* an answer's instance_url is not where this API is */
    struct connector_lives lives;                /* sent with a code and with a refresh token */
    const struct connector_assertion *assertion; /* NULL: it takes ready-made ones only */
    struct token_policy policy;                  /* of renewals */
    const struct connector_consent *consent;     /* NULL: there is no page to authorize on */
};

/* A login that gives a session for one connection: calls authenticate with it, it ends when the
 * connection is closed, and it is never stored. The login counts as STEP_TOKEN and is repeated
 * after 429 and busy only, since vendors lock a user out after a few wrong passwords. */
struct connector_session {
    struct connector_call login;
    const char *token;                /* JSON pointer to the session's token in the answer */
    struct connector_headers headers; /* sent with each call: "{session.token}" */
    struct connector_call end;        /* its outcome does not matter */
    /* Hook: reads a good response to the login. A hint when the session is not the requested one;
     * NULL when it is. */
    const char *(*wrong)(const struct scope *scope, const struct value *response,
                         struct arena *arena);
};

/* Each request is signed with a secret (auth/signed.h) and says so in Authorization. */
struct connector_signed {
    const char *scheme; /* the word in Authorization */
    const char *key_id; /* template, as the next two */
    const char *secret;
    const char *user;
    const char *date_header;          /* carries the time that is signed */
    struct connector_headers headers; /* sent beside, not signed */
};

/* A method of authentication. Exactly one of the pointers is set. */
struct connector_auth {
    const char *given;  /* applies when this member is there; NULL: always */
    const char *equals; /* and has this value; NULL: any */
    const struct connector_basic *basic;
    const struct connector_headers *headers;
    const struct connector_oauth2 *oauth2;
    const struct connector_session *session;
    const struct connector_signed *signed_request;
};

struct connector_auths {
    const struct connector_auth *rows;
    size_t count;
};

/* What an answer means. The first rule that matches decides; when none does, the common table in
 * connector/http/classify_rules.c. VERDICT_ACCEPTED ends the search: the answer is a good one if it
 * has what the call needs. A rule that looks at nothing but the status and speaks of the
 * credentials (rejected, forbidden) is for answers in the form of the vendor's errors only
 * (`errors`). */
struct connector_rule {
    enum verdict_step step; /* STEP_TOKEN or STEP_API; STEP_NONE: either */
    int status;             /* 0: any; one digit: a class, 5 for 500 to 599 */
    unsigned grants;        /* of enum connector_grant: only for these requests; 0: for any */
    const char *at;         /* JSON pointer to a scalar; NULL: the body as text, or `header` */
    const char *header;     /* name of a header that is there; NULL: none is looked at */
    const char *equals;
    const char *contains; /* letter case does not count */
    const char *hint;
    unsigned causes; /* of enum verdict_cause: all that the hint gives as possible reasons */
    enum verdict_kind kind;
    bool absent;    /* its parent is there, it is not (or is null) */
    bool page;      /* only for a web page instead of JSON */
    bool past;      /* it is a time (RFC 3339), and over */
    bool enough;    /* with VERDICT_ACCEPTED: whatever else is in the answer, JSON or not */
    bool renewable; /* a new access token may help */
};

struct connector_rules {
    const struct connector_rule *rows;
    size_t count;
};

/* A vendor's own header that says how long to wait, beside Retry-After. */
enum connector_wait_unit { WAIT_SECONDS, WAIT_UNTIL_S, WAIT_UNTIL_US }; /* from now; since 1970 */
struct connector_wait {
    const char *header; /* NULL: there is none */
    enum connector_wait_unit unit;
};

/* Headers of answers that say what is left of a quota. */
struct connector_quota {
    const char *left;              /* calls that are left; NULL: there is none */
    struct connector_wait renewed; /* when there are all of them again */
    const char *used;              /* "NAME=USED/MOST" in it; NULL: there is none */
    const char *used_name;         /* NAME */
    bool is_hosts; /* each host of the API is one customer's, whose users share the quota */
};

/* How the vendor is asked when a credential ends that the server cannot renew by itself: an API
 * key, or a ready access token (connector/credential_end.h). */
struct connector_end {
    /* The call whose good answer says it. NULL: introspection of the access token (RFC 7662). */
    const struct connector_call *call;
    const char *introspection; /* path that takes the token endpoint's path's place; or NULL */
    const char *at;            /* JSON pointer to the time; of introspection "/exp" */
    enum vendor_time_form form;
    bool absent_is_never; /* the vendor documents that what has no such member, or null, never ends
                           */
    bool moves_with_use;  /* a use of the credential may move its end */
};

struct http_connector {
    struct connector_urls api;
    struct connector_auths auth;   /* none: shapes only, not built yet */
    struct connector_calls probes; /* each must be accepted */
    struct connector_rules rules;
    /* The form of the API's errors: JSON pointers, or names of headers, of which each error has at
     * least one. Answers without any come from something in between, such as a firewall. None: the
     * vendor does not document its errors. Token endpoints always have RFC 6749's "/error". */
    struct connector_texts errors;
    struct connector_texts
        messages; /* JSON pointers to the vendor's message, before the usual ones */
    struct connector_texts domains; /* that a label is put before: "example.com" */
    /* The vendor's own hosts, none of which serves customers' code at the paths that are called:
     * "login.example.com", or "*.my.example.com" for one label in place of the asterisk. */
    struct connector_texts hosts;
    struct connector_texts instances; /* further ones that a token's instance_url may name */
    /* Private mode. Calls take the operator's private route for the PrivateLink service that this
     * member names; NULL, or the member absent: the one for the host that is called. */
    const char *private_service;
    /* Calls for tokens take it only when this boolean member is true; NULL: always. */
    const char *private_tokens;
    struct connector_wait wait;
    struct connector_quota quota;
    struct credential_life life;               /* of the vendor's credentials */
    const struct connector_end *end;           /* NULL: the vendor does not say it */
    const struct connector_entities *entities; /* see http/entity_source.h; NULL: none are known */
    const struct connector_reads *reads;   /* see http/read_source.h; NULL: no records are read */
    const struct connector_writes *writes; /* see http/write_source.h; NULL: none are written */
    /* Hooks, for what data cannot say; NULL for most. */
    /* Makes members for templates out of the properties: puts texts into `derived`, in the arena.
     * ERR_VALIDATION when the properties make none. */
    bool (*derive)(const struct value *properties, struct arena *arena, struct value *derived,
                   struct error *error);
    /* Further rules, as connector_ops.check: looked at before the engine's own. */
    bool (*check)(const struct value *properties, const struct value *credentials,
                  struct error *error);
};

/* Check and verify by description: the operations of every connector that is data alone. */
extern const struct connector_ops http_ops;
