/* A registered connector as everything that verifies credentials sees it: an implementation of the
 * connector interface whose vendor is a function (function.h). What it declares about itself
 * (DescribeConnectorConfiguration) decides which credentials and properties a profile may have, and
 * how tokens are got; the tokens themselves are got by the declarative engine (connector/http/),
 * with a description that is made from the declaration. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "connector/connector.h"
#include "wire/value.h"

/* What is stored of a registration, as far as profiles need it. All of it must live as long as the
 * connector. */
struct custom_registration {
    struct str account;
    struct str label;
    struct str function_arn;
    int64_t version; /* grows with each change of the registration */
    /* The function's checked answer to DescribeConnectorConfiguration, with the contract's names.
     */
    const struct value *configuration;
};

/* In the arena. */
const struct connector *custom_connector_new(struct arena *arena,
                                             const struct custom_registration *registration);
