/* The profile that a command is for, "profile show NAME": a row of its options, and its value. */
#pragma once

#include "base/str.h"
#include "cli/options.h"

#define PROFILE_NAME_OPTION                                                                        \
    {                                                                                              \
        .name = "name", .argument = "NAME", .required = true, .positional = true,                  \
        .heading = "Profile", .help = "Name of the connector profile"                              \
    }

static inline struct str profile_name(const struct options *options)
{
    return str_from(options_text(options, "name"));
}
