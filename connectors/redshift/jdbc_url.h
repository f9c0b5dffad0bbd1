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
 * is verified in full. Refused with ERR_VALIDATION: a user or a password in it, since a profile's
 * properties are shown; several hosts; IAM's form of the URL; what is no host, port or name. */
_must_use_ bool jdbc_url_parse(struct arena *arena, struct str text, struct jdbc_url *ret_url,
                               struct error *error);
