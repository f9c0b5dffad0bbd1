/* The forms that values of options have. Each option_check is one row's `check`. */
#pragma once

#include "cli/options.h"

#include <stdbool.h>
#include <stddef.h>

enum { ACCOUNT_DIGITS = 12, LISTEN_HOST_SIZE = 64 };

bool check_listen(const char *text, struct error *expected);       /* HOST:PORT, :PORT */
bool check_account(const char *text, struct error *expected);      /* 12 digits */
bool check_connector(const char *text, struct error *expected);    /* a ConnectorType */
bool check_endpoint(const char *text, struct error *expected);     /* TYPE=URL */
bool check_cidr(const char *text, struct error *expected);         /* an address, or a block */
bool check_route(const char *text, struct error *expected);        /* NAME=HOST:PORT */
bool check_certificates(const char *text, struct error *expected); /* a file of them, in PEM */
bool check_proxy(const char *text, struct error *expected);  /* http://[USER:PASSWORD@]HOST:PORT */
bool check_rate(const char *text, struct error *expected);   /* N[:BURST] */
bool check_url(const char *text, struct error *expected);    /* http(s)://… */
bool check_store(const char *text, struct error *expected);  /* postgresql://… */
bool check_level(const char *text, struct error *expected);  /* of the log */
bool check_format(const char *text, struct error *expected); /* of the log */

/* Reads "127.0.0.1:8620", "[::1]:8620", "localhost:8620" or ":8620" (every address of this
 * machine: "::", or "0.0.0.0" where the system has no IPv6). False if it is none of these. */
bool parse_listen(const char *text, char ret_host[LISTEN_HOST_SIZE], int *ret_port);
