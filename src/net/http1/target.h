/* The request target (RFC 9112 3.2) and the authority that a request is for, for the parser's files
 * only. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

/* What a target says. Slices point into the request. */
struct http1_target {
    struct str origin;    /* path and query, as in origin-form */
    struct str authority; /* absolute-form's host and port; STR_NULL in origin-form */
    bool is_https;        /* absolute-form with the scheme https */
};

/* Takes origin-form ("/a?b") and absolute-form ("http://host:port/a?b"), which clients that are
 * configured with a proxy send and every server must accept (RFC 9112 3.2.2). Refused are a scheme
 * other than http and https, user information (RFC 9110 4.2.4), a query without a path, and the
 * two forms that no operation has: "*" and CONNECT's. False: *ret_reason says why it is refused. */
bool http1_parse_target(struct str target, struct http1_target *ret_target,
                        const char **ret_reason);

/* host [":" port]: a name, an IPv4 address, or an IPv6 address in brackets. */
bool http1_host_is_valid(struct str value);

/* Whether a Host header names the target's authority: without regard to case, and with the scheme's
 * default port the same as none. */
bool http1_host_agrees(struct str host, const struct http1_target *target);
