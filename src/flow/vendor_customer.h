/* Whose quota a vendor's limits are of (work/call_quota.h): a customer is known by AWS account,
 * connector and called host; by the connector profile as well, unless the connector says that each
 * host is one customer's. */
#pragma once

#include "base/arena.h"
#include "store/profile_key.h"

struct connector;

struct vendor_customer {
    struct str account, connector, host; /* the connector's name, as in messages */
    struct str region, profile;          /* STR_NULL: the host is one customer's */
};

/* Both in the arena: the key of a quota, and what those of an account begin with. */
struct str vendor_customer_key(const struct connector *connector, struct str host,
                               const struct profile_key *profile, struct arena *arena);
struct str vendor_customers_prefix(struct str account, struct arena *arena);

/* By reference to the key. */
struct vendor_customer vendor_customer_of(struct str key);
