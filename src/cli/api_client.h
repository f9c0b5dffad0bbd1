/* A small caller of our own API, for commands: real requests, signed, over the network. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "net/client/client.h"
#include "vault/secret.h"
#include "wire/value.h"

/* Where the server is and who asks, for commands that call it. */
#define SERVER_OPTIONS                                                                             \
    {.name = "server",                                                                             \
     .argument = "URL",                                                                            \
     .fallback = "http://127.0.0.1:8620",                                                          \
     .heading = "Server",                                                                          \
     .check = check_url,                                                                           \
     .help = "Where the server listens"},                                                          \
        {.name = "credentials",                                                                    \
         .argument = "FILE",                                                                       \
         .help = "File with the access key, in AWS's credentials format; without it "              \
                 "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the "         \
                 "file that AWS_SHARED_CREDENTIALS_FILE names"},                                   \
        {.name = "region",                                                                         \
         .argument = "REGION",                                                                     \
         .fallback = "us-east-1",                                                                  \
         .check = check_region,                                                                    \
         .help = "Region that the request is for"},                                                \
    {                                                                                              \
        .name = "ca", .argument = "FILE", .check = check_certificates,                             \
        .help = "Certificates in PEM that the server's certificate may come from, beside the "     \
                "system's"                                                                         \
    }

struct api_client {
    struct egress *egress;
    struct client *client;
    const char *endpoint; /* "http://127.0.0.1:8620" */
    const char *region;   /* "us-east-1" */
    char access_key_id[129];
    struct secret *secret;
    struct secret *session_token; /* NULL: none */
};

struct api_client_config {
    const char *endpoint;
    const char *region;
    /* A file in AWS's credentials form, whose first key is taken. NULL: AWS_ACCESS_KEY_ID,
     * AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which are wiped from the environment, or the
     * file that AWS_SHARED_CREDENTIALS_FILE names. */
    const char *credentials_path;
    const char *ca_path; /* certificates that are trusted as well; NULL: none */
};

struct api_answer {
    int status;
    struct str exception; /* STR_NULL when it went well */
    struct str report;    /* X-Headgate-Verification; STR_NULL: there is none */
    struct str link;      /* X-Headgate-Consent-Link; as well */
    struct str body;
    const struct value *json; /* NULL when the body is not JSON */
};

/* ERR_VALIDATION when there is no access key. Call api_client_stop in any case. */
_must_use_ bool api_client_start(struct api_client *api, const struct api_client_config *config,
                                 struct error *error);
void api_client_stop(struct api_client *api);

/* POSTs a body to an operation's path ("/update-connector-profile"). ERR_UNAVAILABLE when there is
 * no answer. */
_must_use_ bool api_call(struct api_client *api, struct arena *arena, const char *path,
                         struct str body, struct api_answer *ret_answer, struct error *error);
/* The same with further headers, at most API_HEADERS_MAX. */
enum { API_HEADERS_MAX = 4 };
_must_use_ bool api_call_with(struct api_client *api, struct arena *arena, const char *path,
                              struct str body, const struct http_header *headers,
                              size_t header_count, struct api_answer *ret_answer,
                              struct error *error);
/* The same with a header of api/request_flags.h, of the value "true". */
_must_use_ bool api_call_flagged(struct api_client *api, struct arena *arena, const char *flag,
                                 const char *path, struct str body, struct api_answer *ret_answer,
                                 struct error *error);

/* Whether the server knows such a header. One of an older version ignores it and makes another
 * change than the one that is meant. So it is sent first with an operation that changes nothing,
 * and that a server which knows it refuses because of it, before it asks for permission.
 * ERR_NOT_IMPLEMENTED: it does not; `what` is what the header asks for, in the plural. */
_must_use_ bool api_check_flag(struct api_client *api, struct arena *arena, const char *flag,
                               const char *what, struct error *error);

/* Always false: fails with the exception and the message of an answer; ERR_UNAVAILABLE when the
 * same request may succeed later, else ERR_NOT_FOUND. */
bool api_fail_answer(const struct api_answer *answer, struct error *error);
