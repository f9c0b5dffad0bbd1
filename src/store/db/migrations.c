/* The schema as numbered steps, forward only. A step that was released is never changed: what comes
 * later is a new step at the end. */
#include "store/db/migrations.h"

/* Large columns stand last, so that lists do not walk over them. A table's primary key is a unique
 * index beside the rows, which measured faster than rows inside the key's tree. */
static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE profiles ("
    " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,"
    " version BIGINT NOT NULL,"
    " connector_type TEXT NOT NULL, connector_label TEXT,"
    " connection_mode TEXT NOT NULL, kms_arn TEXT, credentials_arn TEXT NOT NULL,"
    " created_at_ms BIGINT NOT NULL, updated_at_ms BIGINT NOT NULL,"
    " properties TEXT NOT NULL, sealed_credentials BYTEA,"
    " PRIMARY KEY (account, region, name));"

    "CREATE TABLE client_tokens ("
    " account TEXT NOT NULL, region TEXT NOT NULL, operation TEXT NOT NULL, token TEXT NOT NULL,"
    " expires_at_ms BIGINT NOT NULL, hash BYTEA NOT NULL, answer TEXT NOT NULL,"
    " PRIMARY KEY (account, region, operation, token));"
    "CREATE INDEX client_tokens_by_expiry ON client_tokens (expires_at_ms);"

    "CREATE TABLE exchanges ("
    " id BYTEA NOT NULL PRIMARY KEY,"
    " account TEXT NOT NULL, region TEXT NOT NULL, profile TEXT NOT NULL,"
    " consumed BIGINT NOT NULL, expires_at_ms BIGINT NOT NULL, sealed BYTEA);"
    "CREATE INDEX exchanges_by_profile ON exchanges (account, region, profile);"
    "CREATE INDEX exchanges_by_expiry ON exchanges (expires_at_ms);"

    "CREATE TABLE access_keys ("
    " id TEXT NOT NULL PRIMARY KEY, account TEXT NOT NULL, created_at_ms BIGINT NOT NULL,"
    " sealed_secret BYTEA NOT NULL);"

    "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value BYTEA NOT NULL);"

    "CREATE TABLE oauth_apps ("
    " connector_type TEXT NOT NULL PRIMARY KEY, client_id TEXT NOT NULL,"
    " updated_at_ms BIGINT NOT NULL, sealed_secret BYTEA NOT NULL);"

    "CREATE TABLE audit ("
    " at_ms BIGINT NOT NULL, account TEXT NOT NULL, region TEXT, request_id TEXT,"
    " access_key_id TEXT, operation TEXT NOT NULL, resource TEXT, outcome TEXT NOT NULL,"
    " detail TEXT);"
    "CREATE INDEX audit_by_account ON audit (account, at_ms);"
    "CREATE INDEX audit_by_time ON audit (at_ms);",

    /* 2: private connections. Most rows have NULL here, which is read from a row's head, so that
     * standing behind the sealed credentials costs their lists nothing. */
    "ALTER TABLE profiles ADD COLUMN provisioning_status TEXT;"
    "ALTER TABLE profiles ADD COLUMN provisioning_cause TEXT;"
    "ALTER TABLE profiles ADD COLUMN provisioning_message TEXT;"
    "CREATE INDEX profiles_pending ON profiles (account, region, name)"
    " WHERE provisioning_status = 'PENDING';",

    /* 3: which version of its profile a change made, so that a row which went back to an older one
     * can be found. In SQLite's file every page carries a checksum from here on. */
    "ALTER TABLE audit ADD COLUMN version BIGINT;",

    /* 4: so that a list of one connector's profiles reads no others'. Only custom connectors have
     * labels. Each index serves only who asks for what it is about: else PostgreSQL, as long as it
     * knows nothing of the tables, looks a name up in it and reads all names of the account. */
    "CREATE INDEX profiles_by_type ON profiles (account, region, connector_type, name)"
    " WHERE connector_type <> '';"
    "CREATE INDEX profiles_by_label ON profiles"
    " (account, region, connector_type, connector_label, name) WHERE connector_label IS NOT NULL;",

    /* 5: so that a profile's newest exchanges are found without reading the others. */
    "DROP INDEX exchanges_by_profile;"
    "CREATE INDEX exchanges_by_profile ON exchanges"
    " (account, region, profile, expires_at_ms);",

    /* 6: who is showing a one-time credential to its vendor, and until when that may last. */
    ("ALTER TABLE exchanges ADD COLUMN attempt BIGINT;"
     "ALTER TABLE exchanges ADD COLUMN attempt_ends_at_ms BIGINT;"),

    /* 7: durable jobs. Private connections that are being made become their first kind. */
    "CREATE TABLE jobs ("
    " kind TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,"
    " due_at_ms BIGINT NOT NULL, fence BIGINT NOT NULL, lease_until_ms BIGINT NOT NULL,"
    " owner TEXT NOT NULL, attempts BIGINT NOT NULL, payload TEXT NOT NULL,"
    " PRIMARY KEY (kind, account, region, name));"
    "CREATE INDEX jobs_by_due ON jobs (kind, due_at_ms, account, region, name);"
    "INSERT INTO jobs (kind, account, region, name, due_at_ms, fence, lease_until_ms, owner,"
    " attempts, payload) SELECT 'private-connection', account, region, name, updated_at_ms,"
    " version, 0, '', 0, version || '' FROM profiles"
    " WHERE provisioning_status = 'PENDING';"
    "DROP INDEX profiles_pending;",

    /* 8: OAuth tokens in a table of their own. A profile without a credentials_version has its
     * tokens sealed together with its credentials until profile/upgrade.c has moved them. */
    "ALTER TABLE profiles ADD COLUMN credentials_version BIGINT;"
    "CREATE INDEX profiles_not_upgraded ON profiles (account, region, name)"
    " WHERE credentials_version IS NULL;"
    "CREATE TABLE oauth_tokens ("
    " account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,"
    " credentials_version BIGINT NOT NULL, version BIGINT NOT NULL,"
    " expires_at_ms BIGINT NOT NULL, sealed BYTEA NOT NULL,"
    " PRIMARY KEY (account, region, name));"
    "CREATE INDEX oauth_tokens_by_expiry ON oauth_tokens (expires_at_ms)"
    " WHERE expires_at_ms > 0;",
};

int64_t schema_version(void)
{
    return (int64_t)(sizeof(steps) / sizeof(*steps));
}

static bool run_steps(struct db *db, struct error *error)
{
    int64_t version;
    if (!db_lock_schema(db, error))
        return false;
    if (!db_version(db, &version, error)) /* again: another process may have been faster */
        return false;
    if (version >= schema_version())
        return true;
    for (int64_t i = version; i < schema_version(); i++) {
        if (!db_script(db, steps[i], error))
            return false;
    }
    return db_set_version(db, schema_version(), error) && db_commit(db, error);
}

bool schema_migrate(struct db *db, struct error *error)
{
    if (!db_begin_write(db, error))
        return false;
    bool ok = run_steps(db, error);
    db_rollback(db); /* does nothing after a commit */
    return ok;
}
