/* From a row to a connection, and from its tokens back to the row. */
#include "profile/vendor_access.h"

#include "profile/keep_tokens.h"
#include "profile/target.h"

bool vendor_access_find(struct vendor_access *access, struct store_reader *reader,
                        struct profile_key key, struct error *error)
{
    bool found = false;
    return profile_find(reader, access->arena, key, &access->profile, &found, error) &&
           (found || fail(error, ERR_NOT_FOUND, "Connector Profile with name %.*s does not exist.",
                          STR_ARG(key.name)));
}

bool vendor_access_target(struct vendor_access *access, struct error *error)
{
    return profile_target_of_row(access->context, NULL, &access->profile, access->arena,
                                 &access->target, error);
}

static bool load_tokens(struct vendor_access *access, struct error *error)
{
    return profile_tokens_load(access->context, access->target.connector, &access->profile,
                               access->arena, &access->stored, error);
}

bool vendor_access_load(struct vendor_access *access, struct error *error)
{
    return profile_credentials_open(access->context, &access->profile, &access->target,
                                    &access->credentials, error) &&
           load_tokens(access, error);
}

/* The first connection may have replaced the tokens. */
bool vendor_access_reread(struct vendor_access *access, struct error *error)
{
    return profile_credentials_reread(access->context, access->profile.key, &access->target,
                                      &access->credentials) &&
           load_tokens(access, error);
}

struct vendor_connection *vendor_access_connect(struct vendor_access *access, int64_t deadline_ms)
{
    grant_journal_init(&access->journal, access->context, access->arena, access->profile.key,
                       &access->grants);
    grant_journal_follow(&access->journal, access->target.connector, &access->profile,
                         &access->stored);
    grant_journal_seal_under(&access->journal, access->credentials.data_key);
    access->config = (struct vendor_connection_config){
        .target = &access->target,
        .stored = &access->stored.tokens,
        .journal = &access->grants,
        .region = access->profile.key.region,
        .secret_arn = access->profile.credentials_arn,
        .request_id = access->request_id,
        .profile_name = access->profile.key.name,
        .arena = access->arena,
        .deadline_ms = deadline_ms,
        .without_waits = access->without_waits,
        .caller = access->caller,
        .gate = access->gate,
    };
    access->connection = vendor_connection_new(&access->config);
    return access->connection;
}

void vendor_access_extend(struct vendor_access *access, int64_t deadline_ms)
{
    access->config.deadline_ms = deadline_ms;
    vendor_set_deadline(access->connection, deadline_ms);
}

static bool keep_tokens(struct vendor_access *access, struct error *error)
{
    const struct oauth_tokens tokens = vendor_tokens(access->connection);
    return profile_keep_tokens(
        &(struct tokens_to_keep){
            .context = access->context,
            .arena = access->arena,
            .target = &access->target,
            .profile = &access->profile,
            .stored = &access->stored,
            .journal = &access->journal,
            .data_key = access->credentials.data_key,
        },
        &tokens, error);
}

bool vendor_access_close(struct vendor_access *access, struct verdict *ret_verdict,
                         struct error *error)
{
    if (vendor_state(access->connection) != VENDOR_CLOSED)
        vendor_close(access->connection);
    *ret_verdict = vendor_verdict(access->connection);
    bool kept = keep_tokens(access, error);
    grant_journal_done(&access->journal);
    access->connection = NULL;
    return kept;
}
