/* A small caller of our own API, for the demonstration: real requests, signed, over the network. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "net/client/client.h"
#include "vault/secret.h"
#include "wire/value.h"

struct api_client {
    struct egress *egress;
    struct client *client;
    const char *endpoint; /* "http://127.0.0.1:8620" */
    char access_key_id[129];
    struct secret *secret;
};

struct api_answer {
    int status;
    struct str exception; /* STR_NULL when it went well */
    struct str body;
    const struct value *json; /* NULL when the body is not JSON */
};

/* Takes the access key from a file in AWS's credentials form. */
_must_use_ bool api_client_start(struct api_client *api, const char *endpoint,
                                 const char *credentials_path, struct error *error);
void api_client_stop(struct api_client *api);

/* POSTs a body to an operation's path ("/update-connector-profile"). */
_must_use_ bool api_call(struct api_client *api, struct arena *arena, const char *path,
                         struct str body, struct api_answer *ret_answer, struct error *error);
