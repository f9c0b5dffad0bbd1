/* Messages of PostgreSQL's frontend/backend protocol 3.0 (its manual, "Message Formats"): a type,
 * a length that counts itself, a body. Building them and taking them apart; no I/O. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PG_REQUEST_TLS = 80877103, /* SSLRequest's code, in place of a version */
    PG_REQUEST_GSS = 80877104,
    PG_PROTOCOL_3_0 = 196608,
    PG_HEAD_SIZE = 5, /* type and length */
    PG_SQLSTATE_LEN = 5,
};

/* What an AuthenticationRequest ('R') asks for. */
enum pg_authentication {
    PG_AUTH_OK = 0,
    PG_AUTH_CLEARTEXT = 3,
    PG_AUTH_MD5 = 5,
    PG_AUTH_GSS = 7,
    PG_AUTH_SSPI = 9,
    PG_AUTH_SASL = 10,
    PG_AUTH_SASL_CONTINUE = 11,
    PG_AUTH_SASL_FINAL = 12,
    PG_AUTH_SHA256 = 13, /* AWS's own, no part of PostgreSQL's */
};

/* --- building --- */

/* Begins a message; '\0': one without a type, which opens a connection. Pair with pg_message_end,
 * which writes the length. */
void pg_message_begin(struct buf *out, char type, size_t *ret_start);
void pg_message_end(struct buf *out, size_t start);
void pg_message_i32(struct buf *out, int32_t number);
void pg_message_i16(struct buf *out, int16_t number);
void pg_message_text(struct buf *out, struct str text); /* with a NUL behind it */

/* --- taking apart --- */

int32_t pg_read_i32(const char *bytes); /* four of them */

/* The type and the body's length of a message's first PG_HEAD_SIZE bytes. False when the length is
 * less than that of itself. */
bool pg_read_head(const char head[PG_HEAD_SIZE], char *ret_type, size_t *ret_len);

/* Each takes its value off the front of a body; false, and nothing is taken, when it is not there
 * whole. */
bool pg_take_i32(struct str *body, int32_t *ret_number);
bool pg_take_i16(struct str *body, int16_t *ret_number);
bool pg_take_bytes(struct str *body, size_t len, struct str *ret_bytes);
bool pg_take_text(struct str *body, struct str *ret_text); /* up to a NUL, which goes too */

/* A field of an ErrorResponse or a NoticeResponse ("Error and Notice Message Fields"). False when
 * there is none, or what is before it is malformed. */
bool pg_error_field(struct str body, char field, struct str *ret_text);
