/* What a run says when its vendor stands in its way. */
#include "flow/run_vendor.h"

#include "profile/metadata_call.h"
#include "wire/errors.h"

bool run_vendor_name_profile(const struct run_vendor *self, struct error *error)
{
    const struct error said = *error;
    if (said.code == ERR_CONNECTOR_AUTHENTICATION)
        return fail(error, said.code, "%s Update the connector profile %.*s.", said.message,
                    STR_ARG(self->profile.name));
    return fail(error, said.code, "%s The flow %s %.*s by the connector profile %.*s.",
                said.message, self->use->does, STR_ARG(self->entity), STR_ARG(self->profile.name));
}

/* What is this server's own fault may pass. */
bool run_vendor_fail(const struct run_vendor *self, const struct verdict *verdict,
                     struct error *error)
{
    ignore_failure(
        metadata_fail(self->access.target.connector, verdict, self->access.arena, error));
    if (error->code == ERR_INTERNAL || error->code == ERR_THROTTLING)
        error->code = ERR_UNAVAILABLE;
    return run_vendor_name_profile(self, error);
}
