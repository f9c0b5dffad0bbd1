/* What the two files of signing in share: one conversation with one address. */
#pragma once

#include "connectors/redshift/postgres.h"
#include "net/libpq.h"

#include <sys/socket.h>

struct postgres_session {
    struct client *client;
    struct arena *arena;
    const struct postgres_request *request;
    const char *authority;  /* host and port, for sentences */
    const char *address;    /* where to connect to: a literal */
    int port;               /* there */
    const char *ca_path;    /* file of trusted certificates; NULL: there is none */
    int64_t connect_end_ms; /* the connection stands by then, TLS included */
    struct postgres_response *response;
    struct pg_conn *connection;
    ConnStatusType status; /* before the last step */
};

/* The whole conversation; sets *session->answer. */
void postgres_converse(struct postgres_session *session);

/* Sets the answer to POSTGRES_FAILED. The clause follows the authority. */
void postgres_fail(struct postgres_session *session, enum client_outcome outcome,
                   const char *clause);

/* --- postgres_message.c --- */

/* Reads what libpq says about a connection that did not come about. */
void postgres_classify(struct postgres_session *session, const char *text);

struct str postgres_message(struct postgres_session *session, const char *text);
