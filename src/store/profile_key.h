/* What names a profile, in every table that has rows of profiles. */
#pragma once

#include "base/str.h"

struct profile_key {
    struct str account;
    struct str region;
    struct str name;
};
