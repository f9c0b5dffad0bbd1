/* What the database's files share: a connection with its messages, and who may sign in. */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "sandbox/memory.h"
#include "wire/pg_message.h"

#include <openssl/ssl.h>
#include <stdint.h>

enum {
    MESSAGE_MAX = 16 * 1024, /* bytes that a client may send in one message */
    IDLE_S = 60,             /* a client that says nothing for longer is left */
    SLOW_MS = 30 * 1000,
};

enum method { METHOD_MD5, METHOD_SCRAM, METHOD_SHA256 };

enum fault {
    FAULTLESS,
    FAULT_CLOSED_AT_ONCE, /* reset instead of an answer */
    FAULT_CUT,            /* reset in the middle of a row */
    FAULT_LATE,           /* after SLOW_MS */
    FAULT_FOREIGN,        /* another protocol's bytes */
    FAULT_HUGE,           /* a row of 2 MiB */
};

struct account {
    const char *user; /* pattern */
    const char *password;
    enum method method;
    const char *sqlstate; /* of a refusal; NULL: none */
    const char *message;
    bool at_query; /* refused there, not when signing in */
    bool once;     /* only the first time */
    enum fault fault;
};

/* NULL: there is no such account. */
const struct account *account_find(struct str user);

struct wire {
    int fd;
    int stop_fd; /* readable when everything ends */
    SSL *ssl;    /* NULL: in clear */
    struct arena arena;
};

/* False when the connection is over. */
bool wire_read(struct wire *wire, void *out, size_t size);
bool wire_write(struct wire *wire, struct str bytes);

/* A message with its type; the body is the arena's, at most MESSAGE_MAX. */
bool wire_read_message(struct wire *wire, char *ret_type, struct str *ret_body);

bool send_error(struct wire *wire, const char *severity, const char *sqlstate, const char *message);
/* "R" with a code and what follows it. */
bool send_authentication(struct wire *wire, int32_t code, struct str more);

/* postgres_login.c: asks for the password in the account's way. False when the connection is over;
 * *ret_good: it was the right one. */
bool login_prove(struct wire *wire, const struct account *account, struct str user, bool *ret_good);
bool login_scram(struct wire *wire, const struct account *account, bool *ret_good);

/* --- tables.c: rows of an answer --- */

/* "T": columns of one type, by its object id and size. */
void rows_describe(struct buf *out, const char *const *names, int count, int32_t oid, int16_t size);
/* "D"; a cell of STR_NULL is NULL. */
void rows_add(struct buf *out, const struct str *cells, int count);

/* The rows of information_schema's tables and columns, for the statements that Headgate asks for
 * them with. False: it is another statement. */
bool tables_answer(struct str statement, struct arena *arena, struct buf *out);
