/* Every vendor in one process, faithful to its protocol: for people without a vendor account, and
 * for tests. Routes by host name and path; what it answers is data in connectors/NAME/sandbox.json,
 * compiled into the binary (docs/sandbox.md). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdio.h>

struct sandbox;

struct sandbox_config {
    const char *host;  /* "127.0.0.1" */
    int http_port;     /* 0: the system picks */
    int tls_port;      /* 0: the system picks */
    int database_port; /* of the database (sandbox/postgres/postgres.h); 0: the system picks */
    /* Where the CA is kept: ca.pem, and ca-key.pem with 0600; made when missing. NULL: made anew,
     * in memory. */
    const char *ca_dir;
    /* The folder of the S3 stand-in (sandbox/s3/s3.h); made at its first request. NULL: none. */
    const char *s3_dir;
    /* The folder of the data catalog (sandbox/glue/glue.h), likewise. */
    const char *glue_dir;
    /* Where what clients write to vendors' records is kept (sandbox/records/written.h); made at the
     * first write. NULL: in memory alone. */
    const char *records_dir;
};

_must_use_ bool sandbox_start(const struct sandbox_config *config, struct sandbox **ret_sandbox,
                              struct error *error);
/* Takes at most about a second: slow answers on their way are cut off. NULL is allowed. */
void sandbox_stop(struct sandbox *sandbox);
int sandbox_http_port(const struct sandbox *sandbox);
/* What takes the place of "https://" for a browser to reach a vendor's page here:
 * "http://127.0.0.1:PORT/at/". */
void sandbox_browser_url(const struct sandbox *sandbox, char *out, size_t size);
int sandbox_tls_port(const struct sandbox *sandbox);
int sandbox_database_port(const struct sandbox *sandbox);
struct str sandbox_ca_pem(const struct sandbox *sandbox);

/* How many requests a vendor host has seen since the start; for tests and the demo. */
size_t sandbox_request_count(const struct sandbox *sandbox, struct str connector_type);

/* {connectorType: {outcome: connectorProfileConfig}}, each ready to send. */
void sandbox_list_json(struct buf *out);
/* The same as a table for people: connector, outcome, what it shows. */
void sandbox_list_text(struct buf *out);
/* One connector's outcomes in full, for people: what each shows, and every value to send as a line
 * "path = value". `outcome` STR_NULL: all of them. */
void sandbox_list_values(struct str connector_type, struct str outcome, struct buf *out);
/* Which records sandbox_print_records prints. */
struct sandbox_records {
    struct str connector_type;
    struct str entity;
    const char *records_dir; /* sandbox_config.records_dir */
    struct str host; /* of the account; STR_NULL: the only one that clients wrote to, if any */
};

/* Every record that a connector's stand-in has of an entity, also those that it says are deleted: a
 * JSON object a line, with all fields, as the vendor writes them. ERR_VALIDATION: there are none,
 * and the message names the entities that have some; or there are several accounts, and the message
 * names their hosts. */
_must_use_ bool sandbox_print_records(const struct sandbox_records *asked, FILE *out,
                                      struct error *error);

/* The OAuth app that the sandbox's Salesforce knows; the server uses it in sandbox mode. */
void sandbox_oauth_app(struct str connector_type, struct str *ret_client_id,
                       struct str *ret_client_secret); /* STR_NULL when it has none */
