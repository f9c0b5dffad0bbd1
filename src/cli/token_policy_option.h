/* --token-policy: what the operator knows of a vendor's OAuth tokens beside the connector's own
 * policy. Of the commands that renew tokens, and of those that say until when they work. */
#pragma once

#include "cli/options.h"
#include "connector/token_policies.h"

#define TOKEN_POLICY_OPTION                                                                        \
    {                                                                                              \
        .name = "token-policy", .kind = OPTION_TEXTS, .argument = "TYPE=SETTING:VALUE,...",        \
        .check = token_policy_check,                                                               \
        .help = "What holds for OAuth tokens of a connector type, instead of what the vendor "     \
                "documents, such as idle:30d,rotation:always; may be repeated. Renewals that are " \
                "planned keep their times"                                                         \
    }

/* Has the given ones hold. Before threads are started. */
_must_use_ bool token_policy_options_apply(const struct options *options, struct error *error);
