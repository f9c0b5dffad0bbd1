/* Base URLs: what people write as an instance's address, made into one form or refused. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "connector/http/http_connector.h"

enum { URL_MAX = 2048 };

struct url {
    struct str scheme; /* "https" or "http" */
    struct str host;   /* lower case; an IPv6 address with its brackets */
    int port;
    struct str path; /* "" or "/…" without a slash at the end, as given */
};

/* Without a scheme https is meant; slashes at the end are dropped; letters of scheme and host
 * become small. `bare_domain`, unless NULL, is put behind a value that is a single host label.
 * ERR_VALIDATION for user information, a query, a fragment, dot segments, blanks, control and
 * non-ASCII characters, ports that are not 1 to 65535 in plain digits, any other scheme. `name` is
 * how the error calls it. */
bool url_parse(struct arena *arena, struct str text, const char *bare_domain, const char *name,
               struct url *ret_url, struct error *error);

struct str url_text(struct arena *arena, const struct url *url);   /* no port where it is usual */
struct str url_origin(struct arena *arena, const struct url *url); /* always with the port */
bool url_same_origin(const struct url *a, const struct url *b);
/* The host is one of these domains, or within one. */
bool url_in_domains(const struct url *url, const struct connector_texts *domains);
