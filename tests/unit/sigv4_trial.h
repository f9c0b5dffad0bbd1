/* One request, signed, and a server that knows its key: tests change something and verify. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "request_text.h"
#include "wire/sigv4.h"

#include <stdbool.h>
#include <stdint.h>

#define NOW_MS 1440938160000 /* 20150830T123600Z */
#define MISMATCH                                                                                   \
    "The request signature we calculated does not match the signature you provided. Check your "   \
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
#define INVALID_TOKEN "The security token included in the request is invalid."
#define SESSION_TOKEN                                                                              \
    "The security token included in the request is invalid: it is not a session token of this "    \
    "server. Unset AWS_SESSION_TOKEN, or remove aws_session_token from the profile that the "      \
    "client uses."
#define SIGNATURE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CREDENTIAL "Credential=AKIDEXAMPLE/20150830/eu-central-1/appflow/aws4_request"

extern const char TRIAL_TYPICAL[];

/* One request with all that is needed to verify it. */
struct trial {
    struct arena arena;
    struct request_text text;
    struct secret *secret; /* what the server knows */
    struct sigv4_key_cache *cache;
    struct sigv4_caller caller;
    struct error error;
    int find_fails; /* the keys cannot be read */
};

void trial_parse(struct trial *trial, const char *text); /* unsigned */
void trial_sign(struct trial *trial, const struct secret *secret, const char *region);
void trial_begin(struct trial *trial); /* TRIAL_TYPICAL, signed right */
void trial_begin_with(struct trial *trial, const char *authorization);
void trial_end(struct trial *trial);

struct http_header *trial_header(struct trial *trial, const char *name); /* NULL when absent */
void trial_add(struct trial *trial, const char *name, const char *value);
void trial_drop(struct trial *trial, const char *name);

bool trial_verify(struct trial *trial); /* at NOW_MS */
bool trial_verify_at(struct trial *trial, int64_t now_ms);
void trial_refused(struct trial *trial, int code, const char *message); /* asserts it */
