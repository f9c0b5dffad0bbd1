/* The forms that values of options have. Each option_check is one row's `check`. */
#pragma once

#include "cli/options.h"

#include <stdbool.h>
#include <stddef.h>

enum { ACCOUNT_DIGITS = 12, LISTEN_HOST_SIZE = 64 };

_must_use_ bool check_listen(const char *text, struct error *expected);    /* HOST:PORT, :PORT */
_must_use_ bool check_account(const char *text, struct error *expected);   /* 12 digits */
_must_use_ bool check_connector(const char *text, struct error *expected); /* a ConnectorType */
_must_use_ bool check_endpoint(const char *text, struct error *expected);  /* TYPE=URL */
_must_use_ bool check_cidr(const char *text, struct error *expected);   /* an address, or a block */
_must_use_ bool check_denied(const char *text, struct error *expected); /* likewise, or a name */
_must_use_ bool check_ports(const char *text, struct error *expected);  /* a port, or a range */
_must_use_ bool check_route(const char *text, struct error *expected);  /* NAME=HOST:PORT */
_must_use_ bool check_certificates(const char *text,
                                   struct error *expected); /* a file of them, in PEM */
_must_use_ bool check_proxy(const char *text,
                            struct error *expected); /* http://[USER:PASSWORD@]HOST:PORT */
_must_use_ bool check_yes_no(const char *text, struct error *expected);
_must_use_ bool check_region(const char *text, struct error *expected); /* us-east-1 */
_must_use_ bool check_rate(const char *text, struct error *expected);   /* N[:BURST] */
_must_use_ bool check_webhook_url(const char *text, struct error *expected);
_must_use_ bool check_event_bus(const char *text, struct error *expected);
_must_use_ bool check_event_source(const char *text, struct error *expected);
_must_use_ bool check_webhook_secret(const char *text, struct error *expected);
_must_use_ bool check_url(const char *text, struct error *expected);        /* http(s)://… */
_must_use_ bool check_public_url(const char *text, struct error *expected); /* the same, no path */
_must_use_ bool check_secret_prefix(const char *text, struct error *expected); /* "headgate/" */
_must_use_ bool check_reference(const char *text, struct error *expected); /* ACCOUNT=KIND:… */
_must_use_ bool check_role(const char *text, struct error *expected); /* arn:aws:iam::…:role/… */
_must_use_ bool check_store(const char *text, struct error *expected);  /* postgresql://… */
_must_use_ bool check_level(const char *text, struct error *expected);  /* of the log */
_must_use_ bool check_format(const char *text, struct error *expected); /* of the log */
_must_use_ bool check_hardening(const char *text, struct error *expected);

/* Reads "127.0.0.1:8620", "[::1]:8620", "localhost:8620" or ":8620" (every address of this
 * machine: "::", or "0.0.0.0" where the system has no IPv6). False if it is none of these. */
bool parse_listen(const char *text, char ret_host[LISTEN_HOST_SIZE], int *ret_port);
