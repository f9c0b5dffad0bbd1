/* Comparing the targets of a profile before and after a change. */
#include "profile/receivers.h"

#include "profile/target.h"

bool profile_same_receivers(const struct profile_change *change, const struct profile *current)
{
    struct target before;
    bool same_mode = change->is_private == str_eq(current->connection_mode, STR("Private"));
    if (same_mode && str_eq(change->profile.properties, current->properties))
        return true; /* as stored, which is how a deployment tool mostly sends them again */
    return profile_target_of_row(change->context, NULL, current, change->arena, &before, NULL) &&
           target_same_recipients(&before, &change->target);
}
