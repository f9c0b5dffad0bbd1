/* The secret that a profile's credentialsArn names: its credentials as connectors read them, with
 * an access token that is fresh when it is read. */
#pragma once

#include "base/random.h"
#include "profile/context.h"
#include "store/audit_entry.h"
#include "store/profiles.h"

#include <stdbool.h>

enum {
    PROFILE_SECRET_NAMES_MAX = 64,       /* profiles' names that are tried for one ARN */
    PROFILE_SECRET_FRESH_MS = 60 * 1000, /* an access token that ends sooner is renewed */
};

struct profile_secret {
    struct profile profile;
    struct str name;       /* of the secret: the ARN's, without Secrets Manager's suffix */
    int64_t changed_at_ms; /* when credentials or tokens were last set, as far as it is known */
    char version_id[UUID_SIZE]; /* another for each version of the credentials and the tokens */
};

/* "NAME" of "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX"; STR_NULL: it is not of that
 * form. */
struct str profile_secret_name(struct str arn);

/* *ret_found false: no profile of the account in the region has this ARN. */
_must_use_ bool profile_secret_find(const struct profile_context *context, struct arena *arena,
                                    struct str account, struct str region, struct str arn,
                                    struct profile_secret *ret_secret, bool *ret_found,
                                    struct error *error);

/* Sets *ret_text, in the arena, and version_id to that of the text. Renews an access token that has
 * ended or is about to, and stores what the vendor gave. `audit` is committed with it, before this
 * returns: time and outcome are set here. May wait for the vendor. ERR_CONNECTOR_AUTHENTICATION
 * when the token cannot be renewed and has ended, ERR_CONNECTOR_SERVER when that may pass by
 * itself. */
_must_use_ bool profile_secret_read(const struct profile_context *context, struct arena *arena,
                                    const struct audit_entry *audit, struct profile_secret *secret,
                                    struct str *ret_text, struct error *error);
