/* Static pages on the API's listener, by path: what a person sees who opens it in a browser. They
 * need no signature and tell nothing of what is stored. */
#pragma once

#include "base/arena.h"
#include "net/server/server.h"

#include <stdbool.h>

enum { PAGE_BODY_MAX = 1024 * 1024 }; /* bytes; a larger page is answered 500 */

struct page {
    struct str content_type;
    struct str cache_control;
    struct str body; /* const, or in the arena */
};

/* Makes the page for the rest of the path after the route's prefix; false: there is none (404).
 * Runs on an event loop and must not wait. */
typedef bool page_handler(struct str rest, struct arena *arena, struct page *ret_page);

struct page_route {
    struct str prefix; /* "/" stands for itself alone; another one for all that begins with it */
    page_handler *handler;
};

/* Which routes there are, ended by one without a handler. */
extern const struct page_route page_routes[];

/* Answers a request for a page and returns true, or does nothing and returns false: for a request
 * with a signature, and one whose path belongs to no route. GET and HEAD work (RFC 9110 9.3), other
 * methods get 405 where the path cannot be an API call's. An answer has an ETag over its body, and
 * is 304 when If-None-Match names it. */
bool page_respond(const struct page_route *routes, struct http_exchange *exchange);
