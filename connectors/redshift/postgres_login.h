/* One sign-in from the client's side of PostgreSQL's protocol 3.0, without I/O: the caller hands
 * over the server's messages and sends what comes back. */
#pragma once

#include "base/buf.h"
#include "connectors/redshift/postgres.h"
#include "wire/scram.h"

enum login_step {
    LOGIN_AUTHENTICATION, /* the server asks for something, or has seen enough */
    LOGIN_GREETING,       /* signed in; the server tells its settings */
    LOGIN_QUERY,          /* SELECT 1 was sent, or the request's own query */
    LOGIN_ENDED,          /* the response is set */
};

/* The exchange of SCRAM (postgres_scram.c). */
struct login_scram {
    const char *header;                   /* gs2-header: "n,,", "y,,", "p=tls-server-end-point,," */
    bool binds;                           /* the channel's binding follows the header in "c=" */
    struct str client_first;              /* bare */
    struct str nonce;                     /* ours */
    unsigned char server[SCRAM_KEY_SIZE]; /* the signature that the server must show */
};

struct postgres_login {
    struct arena *arena; /* set by the caller, as the members up to `watch` */
    const struct postgres_request *request;
    struct postgres_response *response;
    const char *authority;    /* host and port, for sentences */
    bool verified;            /* the certificate of the channel is trusted and names this host */
    struct str binding;       /* tls-server-end-point; STR_NULL: none */
    struct scram_watch watch; /* false: the caller sets the response */
    enum login_step step;
    int asked; /* the authentication request that was answered last; -1: none */
    struct login_scram scram;
    int columns; /* of the query's answer */
    int rows;    /* of the answer to SELECT 1 */
    bool is_one;
    bool interrupted; /* by the watch */
};

/* Begins; puts the start-up packet into `out`. */
void login_begin(struct postgres_login *login, struct buf *out);

/* Takes the first message off `*received` and puts what it is answered with into `out`. True: a
 * message was taken, or the conversation ended (LOGIN_ENDED). False: more bytes are needed. */
bool login_take(struct postgres_login *login, struct str *received, struct buf *out);

/* The server closed the connection; `received` is what was not taken. */
void login_closed(struct postgres_login *login, struct str received);

/* Both end the conversation, and return false. The clause follows host and port. */
bool login_fail(struct postgres_login *login, enum postgres_result result,
                enum client_outcome outcome, const char *clause);
bool login_is_no_postgres(struct postgres_login *login);

/* --- postgres_scram.c: one step each. False: the conversation ended. --- */

/* `body` is a list of mechanisms, each with a NUL, an empty one at the end. */
bool login_scram_begin(struct postgres_login *login, struct str body, struct buf *out);
bool login_scram_continue(struct postgres_login *login, struct str body, struct buf *out);
bool login_scram_finish(struct postgres_login *login, struct str body, struct buf *out);
