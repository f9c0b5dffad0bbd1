/* The certificates of authorities that the client trusts: the system's bundle or the one that
 * SSL_CERT_FILE names, and an operator's own beside them, as one file that OpenSSL and libpq read.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

enum { TRUST_FILE_MAX = 4 * 1024 * 1024 }; /* bytes of certificates in PEM */

struct trust_config {
    struct str pem;         /* trust these and nothing else; STR_NULL: the files */
    const char *file;       /* instead of the system's bundle; NULL or "": the system's */
    const char *extra_file; /* trusted as well; NULL: none */
    bool files_are_checked; /* trust_check_file let them pass: to parse a bundle takes long */
};

struct trust {
    int fd;       /* of a file in memory; -1: `path` is a file of the system's */
    char *path;   /* NULL: the system has no bundle, and nothing else is trusted */
    char *origin; /* "FILE" or "FILE and FILE", for messages; NULL for `pem` */
};

/* ERR_VALIDATION when a file cannot be read, or holds no certificate or one that is damaged. */
_must_use_ bool trust_open(const struct trust_config *config, struct trust *ret_trust,
                           struct error *error);
void trust_close(struct trust *trust); /* one that was never opened needs fd -1 */

/* Whether that file can be trusted: ERR_VALIDATION says why not. */
_must_use_ bool trust_check_file(const char *path, struct error *error);
