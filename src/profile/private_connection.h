/* Making one private connection: the profile was committed as PENDING; its vendor is asked over the
 * operator's private way, and what came of it is committed as CREATED or FAILED. */
#pragma once

#include "profile/context.h"
#include "store/profiles.h"

struct private_connection;

/* `key` and `version` of the row that is PENDING. Freed with private_connection_free. */
struct private_connection *private_connection_new(const struct profile_context *context,
                                                  struct profile_key key, int64_t version);
void private_connection_free(struct private_connection *connection);

enum private_connection_end {
    PRIVATE_CONNECTION_DONE,    /* committed, or the profile was changed or deleted meanwhile */
    PRIVATE_CONNECTION_STOPPED, /* cut short by the server's end: it stays PENDING, for the next
                                   start */
    PRIVATE_CONNECTION_AGAIN,   /* the store failed: call again in a while; the vendor is not asked
                                   again */
};

/* Waits for the vendor and the commit. `is_stopping` tells whether calls are cut short now. */
enum private_connection_end private_connection_run(struct private_connection *connection,
                                                   bool (*is_stopping)(void *context),
                                                   void *context);

/* What the vendor was found to say; VERDICT_INTERNAL as long as it was not asked. */
enum verdict_kind private_connection_verdict(const struct private_connection *connection);
