/* URLs: splitting any, and reading base URLs, which people write as a system's address, into one
 * form. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum { URL_MAX = 2048 };

/* --- any absolute URL --- */

/* Slices of it; nothing is judged or changed. */
struct url_parts {
    struct str scheme;
    struct str authority; /* up to the first of "/?#", which may be nothing */
    struct str rest;      /* path, query and fragment; may be empty */
};

bool url_split(struct str url, struct url_parts *ret_parts); /* false: it has no "scheme://" */
struct str url_without_path(struct str url);  /* scheme and authority; without a scheme all of it */
struct str url_host_of(struct str authority); /* without the port; an IPv6 address in brackets */

/* --- base URLs --- */

struct url {
    struct str scheme; /* "https" or "http" */
    struct str host;   /* lower case; an IPv6 address with its brackets */
    int port;
    struct str path; /* "" or "/…" without a slash at the end, as given */
};

/* Without a scheme https is meant; slashes at the end are dropped; letters of scheme and host
 * become small. `bare_domain`, unless NULL, is put behind a value that is a single host label.
 * Refused are user information, a query, a fragment, dot segments, blanks, control and non-ASCII
 * characters, ports that are not 1 to 65535 in plain digits, any other scheme; in a path also what
 * a reader that decodes it, once or more often, could take for these or for a separator ("%2e%2e",
 * "%252f", "..;"). `ret_fault`, unless NULL, is then the rest of a sentence that begins with the
 * URL's name: "has no good port". */
bool url_parse(struct arena *arena, struct str text, const char *bare_domain, struct url *ret_url,
               const char **ret_fault);

struct str url_text(struct arena *arena, const struct url *url);   /* no port where it is usual */
struct str url_origin(struct arena *arena, const struct url *url); /* always with the port */
bool url_is_loopback(const struct url *url); /* 127.0.0.1, localhost or [::1] */
bool url_same_origin(const struct url *a, const struct url *b);
bool url_in_domain(const struct url *url, struct str domain); /* the host is it, or within it */
/* A pattern is a host, or "*.example.com", whose asterisk stands for exactly one label, as in a
 * certificate (RFC 6125, 6.4.3). Letter case does not count. */
bool url_host_matches(struct str host, struct str pattern);
