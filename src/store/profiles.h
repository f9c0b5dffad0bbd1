/* Connector profiles: one row each, by account, region and name. */
#pragma once

#include "store/core/store.h"

struct profile_key {
    struct str account;
    struct str region;
    struct str name;
};

struct profile_key profile_key_copy(struct arena *arena, struct profile_key key);

/* How far the private connection of a profile is, in the API's words; all STR_NULL for a profile
 * that is not private. */
struct provisioning {
    struct str status;  /* "PENDING", "CREATED" or "FAILED" */
    struct str cause;   /* FAILED: the API's PrivateConnectionProvisioningFailureCause */
    struct str message; /* FAILED: within the API's pattern for it */
};

struct profile {
    struct profile_key key;
    /* Grows with each change and never repeats for a name: the first version is the time of
     * creation in microseconds, so a profile that was deleted and created again has no version of
     * the old one. */
    int64_t version;
    struct str connector_type;  /* the API's ConnectorType */
    struct str connector_label; /* STR_NULL unless a custom connector */
    struct str connection_mode; /* "Public" or "Private" */
    struct str kms_arn;         /* STR_NULL when not given */
    struct str credentials_arn;
    struct str properties;         /* JSON: the ConnectorProfileProperties union, canonical */
    struct str sealed_credentials; /* see profile/seal.h; STR_NULL in lists */
    int64_t credentials_version;   /* the row's when its credentials were given; 0 in lists */
    int64_t created_at_ms;
    int64_t updated_at_ms;
    struct provisioning provisioning;
};

/* Reads one profile by its key; texts are copied into the arena. */
_must_use_ bool profile_find(struct store_reader *reader, struct arena *arena,
                             struct profile_key key, struct profile *ret_profile, bool *ret_found,
                             struct error *error);

struct profile_filter {
    struct str account;
    struct str region;
    const struct str *names; /* any of these; count 0: all */
    size_t name_count;
    struct str connector_type;  /* STR_NULL: any */
    struct str connector_label; /* STR_NULL: any; else the type must be given, too */
    struct str after_name;      /* names after this one, bytewise; STR_NULL: from the start */
};

/* In name order, at most `limit`, without sealed credentials. Reads as many rows as it returns, or
 * as there are names in the filter. */
_must_use_ bool profile_list(struct store_reader *reader, struct arena *arena,
                             const struct profile_filter *filter, size_t limit,
                             struct profile **ret_profiles, size_t *ret_count, struct error *error);

/* Profiles of all accounts whose tokens are still sealed together with their credentials, as
 * versions of the schema before 8 have them, at most `limit`: key, version, properties, sealed
 * credentials. */
_must_use_ bool profile_list_old(struct store_reader *reader, struct arena *arena, size_t limit,
                                 struct profile **ret_profiles, size_t *ret_count,
                                 struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* For one of those: its tokens are in a row of their own from here on. *ret_done false: the profile
 * was changed, deleted or moved since. */
_must_use_ bool profile_set_credentials_version(struct db *db, const struct profile *profile,
                                                bool *ret_done, struct error *error);

/* Stores of `provisioning` the status only. ERR_CONFLICT when the name is taken, ERR_QUOTA when the
 * account would have more than `quota` profiles in the region (0: no limit). The quota is exact
 * with concurrent inserts too, and reads up to `quota` entries of an index. */
_must_use_ bool profile_insert(struct db *db, const struct profile *profile, int64_t quota,
                               struct error *error);

/* Replaces what may change (version, mode, properties, sealed credentials and their version,
 * updated_at_ms, provisioning) if the row is still at `expected_version`: ERR_CONFLICT when it is
 * not, ERR_NOT_FOUND when it is gone. profile->version must be higher. */
_must_use_ bool profile_replace(struct db *db, const struct profile *profile,
                                int64_t expected_version, struct error *error);

/* Deletes the row and its OAuth tokens, and erases the tokens of its token grants, at most
 * TOKEN_GRANTS_KEPT_MAX. Used authorization codes stay known as used. ERR_NOT_FOUND when there is
 * no such profile. */
_must_use_ bool profile_delete(struct db *db, struct profile_key key, struct error *error);
