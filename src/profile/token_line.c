/* Compares what an update gives with what was given before, and with the refresh tokens that were
 * replaced (profile/replaced_tokens.h). */
#include "profile/token_line.h"

#include "base/clock.h"
#include "connector/http/target.h"
#include "profile/receivers.h"
#include "profile/replaced_tokens.h"
#include "profile/seal.h"

/* The text of a member wherever it is; connectors have their tokens at different depths. */
static struct str find_text(const struct value *value, const char *member)
{
    struct str found = value && value->names ? value_text(value, member) : STR_NULL;
    for (size_t i = 0; value && !found.data && value->kind != VALUE_STRING && i < value->count; i++)
        found = find_text(value->items[i], member);
    return found;
}

static bool is_same(struct str a, struct str b)
{
    return a.len > 0 && secret_bytes_eq(a, b);
}

/* What of the update may belong to the profile's line of tokens. */
struct line {
    const struct oauth2_material *given;
    const struct value *before; /* the stored credentials as they were given; NULL: unreadable */
    struct str live;            /* the refresh token that works; STR_NULL: none */
    bool has_row;               /* tokens were got for the stored credentials */
};

static bool was_replaced(const struct profile_change *change, const struct line *line)
{
    unsigned char digest[TOKENS_DIGEST_SIZE];
    struct str token = line->given->refresh_token;
    if (token.len == 0 || is_same(token, line->live))
        return false;
    tokens_digest(change->context, token, digest);
    return replaced_tokens_has(change->arena, change->stored.replaced, digest) ||
           (line->has_row && is_same(token, find_text(line->before, "refreshToken")));
}

static bool is_spent_code(const struct line *line)
{
    return line->given->refresh_token.len == 0 && line->has_row && line->live.len > 0 &&
           is_same(line->given->code, find_text(line->before, "authCode"));
}

/* The tokens that a verification begins with. */
static void take_access_token(struct profile_change *change, const struct line *line)
{
    struct oauth_tokens *tokens = &change->stored.tokens;
    struct str given = find_text(change->credentials.given, "accessToken");
    if (!line->has_row)
        return;
    change->renews = given.len == 0;
    if (given.len == 0 || is_same(given, find_text(line->before, "accessToken")))
        return;
    tokens->access_token = line->given->access_token;
    tokens->expires_at_ms = 0;
    tokens->obtained_at_ms = clock_wall_ms();
}

static bool fail_elsewhere(struct error *error)
{
    return fail(error, ERR_VALIDATION,
                "The vendor has replaced the refresh token in connectorProfileCredentials since it "
                "was given, and the new connectorProfileProperties would send its successor to "
                "another address than before. Give new credentials with this change.");
}

/* New credentials are how a seal that does not open is mended. Tokens that cannot be read now may
 * be the ones that these would end. */
static bool recognize_unread(const struct error *why, struct error *error)
{
    if (!envelope_key_is_away(why))
        return true;
    *error = *why;
    return false;
}

bool token_line_recognize(struct profile_change *change, const struct profile *current,
                          struct error *error)
{
    struct profile_sealed before;
    struct error why = {0};
    if (!change->target.http || !profile_gives_tokens(change->connector))
        return true;
    change->current = current;
    if (!profile_tokens_load(change->context, change->connector, current, change->arena,
                             &change->stored, &why))
        return recognize_unread(&why, error);
    change->has_tokens_row = change->stored.version != 0;
    struct line line = {
        .given = &change->target.http->material,
        .live = change->stored.tokens.refresh_token,
        .has_row = change->stored.tokens.access_token.len > 0,
    };
    if (profile_unseal(change->context, current, change->arena, &before, &why))
        line.before = before.credentials;
    else if (envelope_key_is_away(&why))
        return recognize_unread(&why, error);
    if (!line.has_row)
        line.live = find_text(line.before, "refreshToken");
    bool replaced = was_replaced(change, &line);
    bool same_place = profile_same_receivers(change, current);
    if (replaced && !same_place)
        return fail_elsewhere(error);
    change->has_stored = same_place && (replaced || is_spent_code(&line) ||
                                        is_same(line.given->refresh_token, line.live));
    if (change->has_stored)
        take_access_token(change, &line);
    change->is_other = change->has_stored;
    return true;
}
