/* Making one private connection: the profile was committed as PENDING; its vendor is asked over the
 * operator's private way, and what came of it is committed as CREATED or FAILED. */
#pragma once

#include "api/service.h"
#include "store/profiles.h"

struct profile_provision;

/* `key` and `version` of the row that is PENDING. Freed with profile_provision_free. */
struct profile_provision *profile_provision_new(const struct service *service,
                                                struct profile_key key, int64_t version);
void profile_provision_free(struct profile_provision *provision);

enum provision_end {
    PROVISION_DONE,    /* committed, or the profile was changed or deleted meanwhile */
    PROVISION_STOPPED, /* cut short by the server's end: it stays PENDING, for the next start */
    PROVISION_AGAIN,   /* the store failed: call again in a while; the vendor is not asked again */
};

/* Waits for the vendor and the commit. `is_stopping` tells whether calls are cut short now. */
enum provision_end profile_provision_run(struct profile_provision *provision,
                                         bool (*is_stopping)(void *context), void *context);

/* What the vendor was found to say; VERDICT_INTERNAL as long as it was not asked. */
enum verdict_kind profile_provision_verdict(const struct profile_provision *provision);
