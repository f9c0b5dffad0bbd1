/* Connectors that an account has registered, as the store has them: the row is the truth on every
 * node, and is read for each request that needs it.
 *
 * A row holds no secret, but it says which function gets a profile's secret and which token URLs
 * get its client secret. So it carries a MAC under the service secret over all that it says and
 * whose it is: a row that was changed, or copied to another label, is refused. */
#pragma once

#include "connector/connector.h"
#include "connector/custom/contract_configuration.h"
#include "profile/context.h"
#include "store/connectors.h"

struct registration {
    struct connector_row row;
    struct contract_configuration configuration;
};

/* `reader`: NULL takes a point reader, which may wait for the store. ERR_INTERNAL, with what to do,
 * for a row that this server did not write; ERR_THROTTLING when the arena has no room for what the
 * connector declares. */
_must_use_ bool registration_find(const struct profile_context *context,
                                  struct store_reader *reader, struct connector_key key,
                                  struct arena *arena, struct registration *ret_registration,
                                  bool *ret_found, struct error *error);

/* Whether a whole row is one that this server wrote, and what it declares; else as
 * registration_find fails. */
_must_use_ bool registration_open(const struct secret *service_secret, struct arena *arena,
                                  struct registration *registration, struct error *error);

/* The connector that an account means by a type and, for one of its own, a label: what is compiled
 * in when the label is empty, else made in the arena from what it registered. *ret_connector is
 * NULL when there is none. Otherwise as registration_find. */
_must_use_ bool registration_connector(const struct profile_context *context,
                                       struct store_reader *reader, struct str type,
                                       struct connector_key key, struct arena *arena,
                                       const struct connector **ret_connector, struct error *error);

/* Sets summary, configuration and MAC of the row by its other members and the configuration. */
void registration_seal(const struct profile_context *context, struct registration *registration,
                       struct arena *arena);

/* For what is asked of a profile whose connector was unregistered by force: ERR_NOT_FOUND. Always
 * false. */
bool registration_fail_removed(struct str label, struct error *error);

/* arn:aws:appflow:REGION:ACCOUNT:connector/LABEL */
struct str registration_arn(struct arena *arena, const struct connector_key *key);
