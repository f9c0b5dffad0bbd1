/* Names of things in AWS's form. */
#pragma once

#include "store/profiles.h"

/* arn:aws:appflow:REGION:ACCOUNT:connectorprofile/NAME */
struct str profile_arn(struct arena *arena, const struct profile_key *key);

/* The ARN of the secret that the real service would make for a profile: its name carries account,
 * profile and a time in milliseconds, or, for a registered connector, account, `label` (else
 * STR_NULL) and profile, since the policies that its function runs under allow
 * "appflow!ACCOUNT-LABEL-*"; it ends in six random characters. New for each creation, also of the
 * same name. */
struct str credentials_arn(struct arena *arena, const struct profile_key *key, struct str label,
                           int64_t now_ms);
