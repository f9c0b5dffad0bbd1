/* What the service behind a connector without profiles says about its entities: from the cache, or
 * asked for with the rights of the account. */
#pragma once

#include "profile/metadata.h"

struct connector;

/* As profile_metadata; the question's key is of connector_metadata_key. ERR_VALIDATION,
 * ERR_CONNECTOR_AUTHENTICATION, ERR_CONNECTOR_SERVER and what the store says. */
struct metadata *connector_metadata(const struct profile_context *context,
                                    const struct connector *connector, struct arena *arena,
                                    const struct metadata_question *question, struct error *error);

/* What stands for the connector where profiles have their key: in the cache, and in the store's
 * counts of resets. No profile's name has a colon. */
struct profile_key connector_metadata_key(const struct connector *connector, struct arena *arena,
                                          struct str account, struct str region);
