/* What a connector says of itself: its answer to DescribeConnectorConfiguration, checked member by
 * member, in the form in which the API shows it and the store keeps it.
 *
 * The contract's names are those of awslabs/aws-appflow-custom-connector-java and -python
 * (DescribeConnectorConfigurationResponse); types, lengths, patterns and enums are those of the
 * API's model, since the answer becomes a ConnectorConfiguration. Descriptions and labels are not
 * held to the model's patterns: the real service shows descriptions that do not match them. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/value.h"

#include <stdbool.h>

enum { CONFIGURATION_JSON_MAX = 256 * 1024 }; /* bytes of an answer, as it is stored */

struct contract_configuration {
    const struct value *declared; /* the checked answer, with the contract's names */
    /* The members of the API's ConnectorConfiguration that a connector declares, by the API's
     * names. Lists that the answer leaves out have the SDKs' defaults. */
    const struct value *api;
};

/* From a function's answer, which must live as long as the configuration. ERR_CONNECTOR_SERVER
 * names every fault (contract_check_end). */
_must_use_ bool contract_configuration_read(const struct value *answer, struct arena *arena,
                                            struct contract_configuration *ret_configuration,
                                            struct error *error);

/* As it is stored: JSON of at most CONFIGURATION_JSON_MAX bytes, in the arena. */
struct str contract_configuration_store(const struct contract_configuration *configuration,
                                        struct arena *arena);
/* Of it what ListConnectors shows: JSON of a part of the API's ConnectorDetail. */
struct str contract_configuration_summary(const struct contract_configuration *configuration,
                                          struct arena *arena);
/* From what was stored, which is checked as an answer is. ERR_THROTTLING when the arena has no room
 * for it. */
_must_use_ bool contract_configuration_load(struct str stored, struct arena *arena,
                                            struct contract_configuration *ret_configuration,
                                            struct error *error);
