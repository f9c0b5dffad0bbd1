/* A client of the database, served from start to end on a thread of its own. */
#pragma once

#include "sandbox/postgres/internal.h"
#include "sandbox/records/loaded.h"

struct database_context {
    SSL_CTX *tls;
    struct memory *memory;
    struct loaded *loaded;
};

void database_converse(struct wire *wire, const struct database_context *context);
