/* A request for a profile as commands send it with a header that keeps it from being carried out:
 * of what is in a file, or of what is stored. */
#pragma once

#include "cli/api_client.h"
#include "cli/options.h"

/* What the command line says. */
struct profile_request {
    const struct options *options; /* name, SERVER_OPTIONS */
    /* A JSON file with a connectorProfileConfig, or with a whole request; NULL: what is stored. */
    const char *with;
    const char *connector; /* a ConnectorType: the profile is new; NULL: as the file says */
    const char *label;     /* of a registered connector; NULL: none, or as the file says */
    struct arena *arena;
    struct error *error;
    /* Set by the functions below. */
    struct api_client api;
    const char *path;
    struct str body;
};

/* Starts the client and makes path and body. Call api_client_stop in any case. */
_must_use_ bool profile_request_make(struct profile_request *request);
