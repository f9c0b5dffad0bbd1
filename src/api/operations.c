/* Which function does which operation. */
#include "api/op_connector_profile.h"
#include "api/request.h"

static const struct operation operations[] = {
    {STR("CreateConnectorProfile"), create_connector_profile, ON_WORKER},
    {STR("UpdateConnectorProfile"), update_connector_profile, ON_WORKER},
    {STR("DeleteConnectorProfile"), delete_connector_profile, ON_WORKER},
    {STR("DescribeConnectorProfiles"), describe_connector_profiles, ON_LOOP},
};

const struct operation *operation_find(struct str name)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
        if (str_eq(operations[i].name, name))
            return &operations[i];
    }
    return NULL;
}
