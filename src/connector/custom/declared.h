/* What a registered connector declares, for the files that implement its operations. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "connector/target.h"
#include "wire/value.h"

struct http_connector;

/* connector.custom of a registered connector. */
struct custom_connector {
    struct str function_arn;
    const struct value *configuration; /* the answer to DescribeConnectorConfiguration */
};

/* The API's AuthenticationType of the credentials; "" when there are none. */
struct str custom_authentication_type(const struct target *target);

/* The API versions that the connector declares; NULL: none. One that is no text reads as "". */
const struct value *custom_declared_versions(const struct target *target);
struct str custom_version_at(const struct value *versions, size_t index);

/* connector_ops.check: the declaration's rules for properties and credentials, then the engine's.
 */
_must_use_ bool custom_check(const struct target *target, struct error *error);

/* The declarative engine's description of how the connector's tokens are got. */
const struct http_connector *custom_description_new(struct arena *arena,
                                                    const struct value *configuration);
