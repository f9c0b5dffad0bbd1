/* Registered connectors in the API's words. */
#pragma once

#include "base/arena.h"
#include "profile/registration.h"
#include "wire/value.h"

/* As the real service describes a connector of an account's own: what the function declares, with
 * the function's ARN, the time of registration and what is the same for all. Its connectorArn is
 * null there, and its description is the connector's own name (aws-appflow-custom-connector-python,
 * describe-connector-validation-file.json). */
struct value *registered_configuration(struct arena *arena,
                                       const struct registration *registration);
/* The API's ConnectorDetail of a row of a list. False when its summary cannot be read. */
_must_use_ bool registered_detail(struct arena *arena, const struct connector_row *row,
                                  struct value **ret_detail);
