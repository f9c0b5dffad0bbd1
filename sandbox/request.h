/* A request as the sandbox reads it: where it goes, and what stands in it. */
#pragma once

#include "base/arena.h"
#include "net/http1/parser.h"
#include "sandbox/vendor.h"

enum { PARAMETERS_MAX = 64 };

/* Of the path by which a browser reaches a vendor's page: "http://127.0.0.1:PORT/at/HOST/PATH". */
#define SANDBOX_AT "/at/"

struct parameters {
    struct str names[PARAMETERS_MAX];
    struct str values[PARAMETERS_MAX];
    size_t count;
};

struct sandbox_request {
    const struct http_head *head;
    struct str body;
    struct arena *arena;
    bool over_tls;
    struct str authority; /* Host as sent */
    struct str host;      /* without port and last dot; compare without regard to case */
    struct str path;      /* raw */
    struct str query;     /* raw, may be empty */
    /* Read when first asked for. */
    const struct parameters *form;
    const struct value *json;
    bool form_read, json_read;
};

void request_init(struct sandbox_request *request, const struct http_head *head, struct str body,
                  bool over_tls, struct arena *arena);

/* Whether a host is one of the machine's own names, under which no vendor is. */
bool request_host_is_own(struct str host);

/* STR_NULL when it is not there or cannot be read. */
struct str request_part(struct sandbox_request *request, const struct request_part *part);

/* "KEY-ID:USER" of a request with `Authorization: HMAC_1 KEY-ID:SIGNATURE:USER`, when the signature
 * is right; `how` is "DATE-HEADER:SECRET". signed.c says what is signed. */
struct str request_signed(const struct sandbox_request *request, struct str how);

/* The parts' values joined by ':'. STR_NULL when one is missing. */
struct str request_credential(struct sandbox_request *request, const struct request_part *parts,
                              size_t part_count);

/* application/x-www-form-urlencoded. False when it cannot be read, or has a name twice. */
bool parameters_parse(struct str text, struct arena *arena, struct parameters *ret_parameters);
struct str parameters_get(const struct parameters *parameters, struct str name);
