/* Undoes the Content-Encoding of a request's body (RFC 9110 8.4). */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/http1/parser.h"

/* The body without its coding: the same slice where there is none, else in the arena. Call it after
 * the signature was verified, which covers the coded bytes. Takes gzip (also by its old name
 * x-gzip) and identity, one coding once. At most HTTP_BODY_MAX bytes come out, so that a small body
 * cannot become a large one.
 * - ERR_UNSUPPORTED_MEDIA: another coding, or several.
 * - ERR_SERIALIZATION: not one whole gzip member (RFC 1952) and nothing else.
 * - ERR_TOO_LARGE: more than HTTP_BODY_MAX bytes. */
_must_use_ bool content_decode(const struct http_head *head, struct str body, struct arena *arena,
                               struct str *ret_body, struct error *error);
