/* Loading staged objects through the profile's stage. */
#pragma once

#include "connector/loading.h"

/* As load_ops has it. */
bool snowflake_load(struct vendor_connection *connection, const struct load_query *query,
                    struct str state, struct load_step *step);
