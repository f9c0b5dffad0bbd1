/* The two unions of a profile's configuration: which connector they are for, and its part of each.
 */
#pragma once

#include "connector/connector.h"
#include "wire/value.h"

struct profile_config {
    const struct value *properties;  /* the connector's own structure; never NULL, may be empty */
    const struct value *credentials; /* likewise; NULL when the caller gave none */
};

/* Exactly one connector in each union that is given, and it is `connector`; properties may be left
 * empty for a connector whose properties are all optional. ERR_VALIDATION names both connectors.
 * `owner` says who sets the connector: "the profile acme" or "connectorType". */
_must_use_ bool profile_config_read(const struct value *config, const struct connector *connector,
                                    struct str owner, struct arena *arena,
                                    struct profile_config *ret_config, struct error *error);

/* The properties as they are stored and described: {KEY: {…}}. */
struct str profile_config_properties_json(struct arena *arena, const struct connector *connector,
                                          const struct value *properties);
