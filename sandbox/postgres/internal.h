/* What the database's files share: a connection with its messages, and who may sign in. */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "sandbox/memory.h"

#include <openssl/ssl.h>
#include <stdint.h>

enum {
    MESSAGE_MAX = 16 * 1024, /* bytes that a client may send in one message */
    IDLE_S = 60,             /* a client that says nothing for longer is left */
    SLOW_MS = 30 * 1000,
    SQLSTATE_LEN = 5,
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

/* A message in the making: type, length, body. */
void message_begin(struct buf *out, char type, size_t *ret_start);
void message_end(struct buf *out, size_t start);
void message_i32(struct buf *out, int32_t number);
void message_i16(struct buf *out, int16_t number);
void message_text(struct buf *out, const char *text); /* with its NUL */
int32_t read_i32(const char *bytes);

bool send_error(struct wire *wire, const char *severity, const char *sqlstate, const char *message);
/* "R" with a code and what follows it. */
bool send_authentication(struct wire *wire, int32_t code, struct str more);

/* postgres_login.c: asks for the password in the account's way. False when the connection is over;
 * *ret_good: it was the right one. */
bool login_prove(struct wire *wire, const struct account *account, struct str user, bool *ret_good);
bool login_scram(struct wire *wire, const struct account *account, bool *ret_good);
