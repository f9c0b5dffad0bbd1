/* JDBC URLs as Redshift's and PostgreSQL's drivers take them. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "connectors/redshift/postgres.h"

enum { JDBC_PORT_REDSHIFT = 5439, JDBC_PORT_POSTGRESQL = 5432 };

struct jdbc_url {
    struct str host; /* small letters; an IPv6 address without its brackets */
    int port;
    struct str database; /* percent signs decoded */
    enum postgres_tls tls;
};

/* "jdbc:redshift://HOST[:PORT]/DATABASE", or "jdbc:postgresql:…", with options after '?' or ';' and
 * between them '&' or ';'. Of the options only ssl and sslmode count; without them the certificate
 * is verified in full. Refused with ERR_VALIDATION: what jdbc_url_check_shown refuses; several
 * hosts; IAM's form of the URL; what is no host, port or name. */
_must_use_ bool jdbc_url_parse(struct arena *arena, struct str text, struct jdbc_url *ret_url,
                               struct error *error);

/* A profile's properties are shown: ERR_VALIDATION for a user, a password, a key, a token or
 * another secret in a URL of any form, by the names of its options. True for no URL: the Data API
 * needs none. */
_must_use_ bool jdbc_url_check_shown(struct arena *arena, struct str text, struct error *error);
