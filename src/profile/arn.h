/* Names of things in AWS's form. */
#pragma once

#include "store/profiles.h"

/* arn:aws:appflow:REGION:ACCOUNT:connectorprofile/NAME */
struct str profile_arn(struct arena *arena, const struct profile_key *key);

/* The ARN of the secret that the real service would make for a profile: its name carries account,
 * profile and the creation's time in milliseconds, and ends in six random characters. New for each
 * creation, also of the same name. */
struct str credentials_arn(struct arena *arena, const struct profile_key *key,
                           int64_t created_at_ms);
