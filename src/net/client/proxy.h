/* The operator's HTTP proxy: calls over https go through it by CONNECT (RFC 9110, 9.3.6), except to
 * hosts that a list names. The proxy resolves the hosts' names. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

enum {
    PROXY_HOST_MAX = 255, /* bytes, as the next two */
    PROXY_USER_MAX = 255,
    PROXY_PASSWORD_MAX = 1023,
    PROXY_EXCEPTIONS_MAX = 16 * 1024,
};

struct proxy {
    char host[PROXY_HOST_MAX + 1]; /* an IPv6 address with its brackets; "": there is no proxy */
    int port;
    char user[PROXY_USER_MAX + 1]; /* "": it asks for none */
    char password[PROXY_PASSWORD_MAX + 1];
};

/* "[http://][USER:PASSWORD@]HOST[:PORT][/]", port 80 unless given, user and password
 * percent-encoded. ERR_VALIDATION says what is wrong and shows nothing of the text, which may hold
 * a password. */
_must_use_ bool proxy_parse(struct str text, struct proxy *ret_proxy, struct error *error);

/* Whether a list such as NO_PROXY names the host. Entries stand between commas or blanks: "*",
 * "example.com" or ".example.com" (that host and all under it), an IP address, a CIDR block (of an
 * address in the URL; no name is resolved for it), each but "*" and a block with ":PORT" or
 * without. Letter case does not count. `host` may be an IPv6 address in brackets. */
bool proxy_excepts(struct str exceptions, struct str host, int port);
