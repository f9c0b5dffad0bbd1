/* From the option to the policies in force. */
#include "cli/token_policy_option.h"

bool token_policy_options_apply(const struct options *options, struct error *error)
{
    const struct option_value *list = options_list(options, "token-policy");
    struct error expected;
    for (int i = 0; i < list->count; i++) {
        if (!token_policies_add(list->texts[i], &expected))
            return fail(error, ERR_VALIDATION, "invalid value for --token-policy: expected %s.",
                        expected.message);
    }
    return true;
}
