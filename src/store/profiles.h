/* Connector profiles: one row each, by account, region and name. */
#pragma once

#include "store/core/store.h"
#include "store/profile_key.h"

struct profile_key profile_key_copy(struct arena *arena, struct profile_key key);

/* How far the private connection of a profile is, in the API's words; all STR_NULL for a profile
 * that is not private. */
struct provisioning {
    struct str status;  /* "PENDING", "CREATED" or "FAILED" */
    struct str cause;   /* FAILED: the API's PrivateConnectionProvisioningFailureCause */
    struct str message; /* FAILED: within the API's pattern for it */
};

/* What was last said of the profile's credentials (credential_events.h). All zeros: nothing was. */
struct profile_reported {
    struct str state; /* a word for the state that was last reported; STR_NULL: none was */
    int64_t level;    /* how near the end was: 0 not near, then more urgent with each number */
    int64_t end_ms;   /* the end that `level` is about, wall clock */
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
    /* A keyed hash of the credentials (profile/previous.h); 0: not known, and in lists. */
    int64_t credentials_hash;
    /* Of previous credentials (store/previous_credentials.h), and not in lists. */
    int64_t previous_until_ms;   /* wall clock: nothing uses them from then on; 0: there are none */
    struct str previous_refused; /* what the vendor said when it refused them; STR_NULL: not so */
    /* When the server put the credentials in use back by itself, since the vendor refused newer
     * ones (profile/fallback.h); 0: it did not. */
    int64_t fell_back_at_ms;
    int64_t created_at_ms;
    int64_t updated_at_ms;
    struct provisioning provisioning;
    struct profile_reported reported; /* all zeros in lists */
};

/* Reads one profile by its key; texts are copied into the arena. */
_must_use_ bool profile_find(struct store_reader *reader, struct arena *arena,
                             struct profile_key key, struct profile *ret_profile, bool *ret_found,
                             struct error *error);
/* The same with a reader for points of its own. */
_must_use_ bool profile_load(struct store *store, struct arena *arena, struct profile_key key,
                             struct profile *ret_profile, bool *ret_found, struct error *error);

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
 * as there are names in the filter. ERR_THROTTLING when the arena has no room for them. */
_must_use_ bool profile_list(struct store_reader *reader, struct arena *arena,
                             const struct profile_filter *filter, size_t limit,
                             struct profile **ret_profiles, size_t *ret_count, struct error *error);

typedef bool list_profiles_fn(struct store_reader *reader, struct arena *arena,
                              struct profile_key after, struct str not_key, size_t limit,
                              struct profile **ret_profiles, size_t *ret_count,
                              struct error *error);

/* Profiles of all accounts behind the key `after` (empty texts: from the start), at most `limit`,
 * whole: with sealed credentials and all columns. `not_key`: only those that are sealed with
 * another key of the keyring than this id; STR_NULL: all. */
_must_use_ bool profile_list_all(struct store_reader *reader, struct arena *arena,
                                 struct profile_key after, struct str not_key, size_t limit,
                                 struct profile **ret_profiles, size_t *ret_count,
                                 struct error *error);

/* The same of previous credentials (previous_credentials.h): the rows as they were. */
list_profiles_fn previous_list_all;

/* ERR_QUOTA when one profile more would be more than `quota` (0: no limit), as profile_insert. */
_must_use_ bool profile_has_room(struct store_reader *reader, struct profile_key key, int64_t quota,
                                 struct error *error);

struct stmt;
/* For the files of this room: from the first columns of SQL_STORED_CREDENTIALS. */
void profile_read_row(const struct stmt *stmt, struct arena *arena, struct profile *profile);

/* --- inside a write (store_apply_fn) --- */

/* For profile/upgrade.c: replaces the sealed credentials and their version, at the same version of
 * the row, where they still are `old`. *ret_done false: the profile was changed, deleted or moved
 * since. */
_must_use_ bool profile_reseal(struct db *db, const struct profile *profile, struct str old,
                               bool *ret_done, struct error *error);

/* Stores of `provisioning` the status only. ERR_CONFLICT when the name is taken, ERR_QUOTA when the
 * account would have more than `quota` profiles in the region (0: no limit). The quota is exact
 * with concurrent inserts too, and reads up to `quota` entries of an index. */
_must_use_ bool profile_insert(struct db *db, const struct profile *profile, int64_t quota,
                               struct error *error);

/* Replaces what may change (version, mode, properties, sealed credentials, their version and hash,
 * updated_at_ms, provisioning) if the row is still at `expected_version`: ERR_CONFLICT when it is
 * not, ERR_NOT_FOUND when it is gone. profile->version must be higher. */
_must_use_ bool profile_replace(struct db *db, const struct profile *profile,
                                int64_t expected_version, struct error *error);

/* Of credentials that become the previous ones. */
struct previous_keeping {
    int64_t until_ms;   /* wall clock */
    struct str refused; /* see struct profile, as the next one */
    int64_t fell_back_at_ms;
};

/* The same, and what was there becomes the previous credentials. */
_must_use_ bool profile_replace_keeping(struct db *db, const struct profile *profile,
                                        int64_t expected_version,
                                        const struct previous_keeping *keeping,
                                        struct error *error);

/* What names the profile's secret, and its connector's label: STR_NULL when there is none, and both
 * when there is no such profile; and the credentials_version of its credentials and of the previous
 * ones, 0 when there are none. In the arena. */
struct profile_secret_row {
    struct str arn;
    struct str label;
    int64_t credentials_version;
    int64_t previous_version;
};
_must_use_ bool profile_read_secret(struct db *db, struct profile_key key, struct arena *arena,
                                    struct profile_secret_row *ret_row, struct error *error);

/* Deletes the row and its OAuth tokens, with the previous ones of both, and erases the tokens of
 * its token grants, at most TOKEN_GRANTS_KEPT_MAX. Used authorization codes stay known as used.
 * ERR_NOT_FOUND when there is no such profile. */
_must_use_ bool profile_delete(struct db *db, struct profile_key key, struct error *error);
