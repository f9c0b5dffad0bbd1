/* The life of a consent's row, and the secrets that bind it to a link, a browser and a request to
 * the vendor. */
#include "profile/consent.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "profile/consents_taken.h"
#include "vault/crypto.h"
#include "vault/seal.h"
#include "wire/restjson.h"

#include <string.h>

enum { SECRET_SIZE = 32, ID_DIGITS = CONSENT_ID_SIZE - 1, TICKET_MAX = 512 * 1024 };

/* --- secrets --- */

static struct str bytes_of(const unsigned char *bytes, size_t size)
{
    return (struct str){(const char *)bytes, size};
}

struct str consent_secret_new(struct arena *arena)
{
    unsigned char bytes[SECRET_SIZE];
    random_bytes(bytes, sizeof(bytes));
    struct str text = encode_base64url(arena, bytes_of(bytes, sizeof(bytes)));
    explicit_bzero(bytes, sizeof(bytes));
    return text;
}

bool consent_is_secret(struct str text)
{
    if (text.len != CONSENT_SECRET_TEXT)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_alnum(text.data[i]) && text.data[i] != '-' && text.data[i] != '_')
            return false;
    }
    return true;
}

struct str consent_hash(struct arena *arena, struct str secret)
{
    unsigned char hash[CRYPTO_HASH_SIZE];
    crypto_sha256(secret, hash);
    return arena_copy(arena, bytes_of(hash, sizeof(hash)));
}

struct str consent_id_of(struct arena *arena, struct str link)
{
    char hex[2 * CRYPTO_HASH_SIZE + 1];
    encode_hex(consent_hash(arena, link).data, CRYPTO_HASH_SIZE, hex);
    return arena_copy(arena, (struct str){hex, ID_DIGITS});
}

bool consent_state_split(struct str state, struct str *ret_id, struct str *ret_secret)
{
    unsigned char ignored[ID_DIGITS / 2];
    return state.len == CONSENT_STATE_TEXT && str_cut(state, '.', ret_id, ret_secret) &&
           decode_hex(*ret_id, ignored, sizeof(ignored)) && consent_is_secret(*ret_secret);
}

static struct str derive(struct arena *arena, struct str key, struct str what, struct str of)
{
    unsigned char hash[CRYPTO_HASH_SIZE];
    const struct str parts[] = {what, of};
    crypto_hmac_parts(key, parts, 2, hash);
    return encode_base64url(arena, bytes_of(hash, sizeof(hash)));
}

struct str consent_form_token(struct arena *arena, struct str link, struct str browser)
{
    return derive(arena, browser, STR("headgate consent form"), link);
}

/* RFC 7636, 4.1: 43 to 128 unreserved characters. */
struct str consent_verifier(struct arena *arena, struct str seed, struct str state)
{
    return seed.len > 0 ? derive(arena, seed, STR("headgate consent pkce"), state) : STR_NULL;
}

struct str consent_challenge(struct arena *arena, struct str verifier)
{
    return encode_base64url(arena, consent_hash(arena, verifier));
}

/* --- the ticket --- */

static struct seal_binding binding_of(const struct consent_row *row)
{
    return (struct seal_binding){
        .purpose = STR("consent"),
        .account = row->key.account,
        .region = row->key.region,
        .name = row->key.name,
        .context = {row->id},
        .context_count = 1,
    };
}

static struct str ticket_text(struct arena *arena, const struct consent_ticket *ticket)
{
    struct value *value = value_structure(arena);
    struct buf text = buf_in(arena, TICKET_MAX);
    value_put_text(arena, value, "operation", ticket->operation);
    value_put_text(arena, value, "accessKeyId", ticket->access_key_id);
    value_put_text(arena, value, "accessKey", ticket->access_key);
    value_put_text(arena, value, "connector", ticket->connector);
    value_put_text(arena, value, "url", ticket->url);
    value_put_text(arena, value, "host", ticket->host);
    value_put_text(arena, value, "origin", ticket->origin);
    value_put_text(arena, value, "scope", ticket->scope);
    value_put_text(arena, value, "redirectUri", ticket->redirect_uri);
    value_put_text(arena, value, "seed", ticket->seed);
    value_put_flag(arena, value, "anyAccount", ticket->any_account);
    value_put_integer(arena, value, "version", ticket->version);
    value_put_text(arena, value, "input", ticket->input);
    value_encode(&text, value);
    return text.overflow ? STR_NULL : buf_str(&text);
}

static bool read_ticket(struct str text, struct arena *arena, struct consent_ticket *ret_ticket)
{
    struct value *value;
    if (!json_parse(text, arena, &value))
        return false;
    *ret_ticket = (struct consent_ticket){
        .operation = value_text(value, "operation"),
        .input = value_text(value, "input"),
        .access_key_id = value_text(value, "accessKeyId"),
        .access_key = value_text(value, "accessKey"),
        .connector = value_text(value, "connector"),
        .url = value_text(value, "url"),
        .host = value_text(value, "host"),
        .origin = value_text(value, "origin"),
        .scope = value_text(value, "scope"),
        .redirect_uri = value_text(value, "redirectUri"),
        .seed = value_text(value, "seed"),
        .any_account = value_flag(value, "anyAccount", false),
        .version = value_integer(value, "version", 0),
    };
    return ret_ticket->operation.data && ret_ticket->input.data;
}

/* --- the life --- */

struct write {
    struct consent_row row;
    int64_t now_ms;
    const struct audit_entry *audit; /* of a new one */
};

static bool apply_add(struct db *db, void *argument, struct error *error)
{
    const struct write *write = argument;
    return consent_row_add(db, &write->row, write->now_ms, error) &&
           audit_add(db, write->audit, error);
}

static bool apply_ask(struct db *db, void *argument, struct error *error)
{
    const struct write *write = argument;
    return consent_row_ask(db, &write->row, write->now_ms, error);
}

static bool apply_take(struct db *db, void *argument, struct error *error)
{
    const struct write *write = argument;
    return consent_row_take(db, &write->row, write->now_ms, error);
}

static bool apply_end(struct db *db, void *argument, struct error *error)
{
    const struct write *write = argument;
    return consent_row_end(db, &write->row, error);
}

bool consent_new(const struct profile_context *context, struct profile_key key,
                 const struct consent_ticket *ticket, const struct audit_entry *audit,
                 struct arena *arena, struct str *ret_link, struct error *error)
{
    *ret_link = consent_secret_new(arena);
    struct write write = {.now_ms = clock_wall_ms(), .audit = audit};
    write.row = (struct consent_row){
        .id = consent_id_of(arena, *ret_link),
        .key = key,
        .expires_at_ms = write.now_ms + CONSENT_LIFE_MS,
    };
    struct seal_binding binding = binding_of(&write.row);
    struct str text = ticket_text(arena, ticket);
    if (!text.data)
        return fail(error, ERR_VALIDATION, "The request is too long for a link.");
    return seal_close(context->keyring, &binding, text, arena, &write.row.sealed, error) &&
           store_apply(context->store, apply_add, &write, false, error);
}

bool consent_find(const struct profile_context *context, struct str id, struct arena *arena,
                  struct consent *ret_consent, bool *ret_found, struct error *error)
{
    struct store_reader *reader;
    *ret_consent = (struct consent){0};
    if (!store_point_reader_take(context->store, &reader, error))
        return false;
    bool ok = consent_row_find(reader, arena, id, &ret_consent->row, ret_found, error);
    store_point_reader_put(context->store, reader);
    return ok;
}

bool consent_is_expired(const struct consent *consent)
{
    return consent->row.stage != CONSENT_ENDED && consent->row.expires_at_ms <= clock_wall_ms();
}

bool consent_open(const struct profile_context *context, struct consent *consent,
                  struct arena *arena, struct error *error)
{
    struct seal_binding binding = binding_of(&consent->row);
    struct str text;
    if (!seal_open(context->keyring, &binding, consent->row.sealed, arena, &text, error))
        return false;
    return read_ticket(text, arena, &consent->ticket) ||
           fail(error, ERR_INTERNAL, "The sealed data of a link opened, but cannot be read.");
}

bool consent_ask(const struct profile_context *context, struct consent *consent, struct str browser,
                 struct arena *arena, struct str *ret_url, struct error *error)
{
    const struct consent_ticket *ticket = &consent->ticket;
    struct str secret = consent_secret_new(arena);
    struct write write = {.row = consent->row, .now_ms = clock_wall_ms()};
    write.row.browser = consent_hash(arena, browser);
    write.row.state = consent_hash(arena, secret);
    struct str verifier = consent_verifier(arena, ticket->seed, secret);
    struct str pkce = STR("");
    if (verifier.data)
        pkce = arena_printf(arena, "&code_challenge=%.*s&code_challenge_method=S256",
                            STR_ARG(consent_challenge(arena, verifier)));
    *ret_url = arena_printf(arena, "%.*s&state=%.*s.%.*s%.*s", STR_ARG(ticket->url),
                            STR_ARG(consent->row.id), STR_ARG(secret), STR_ARG(pkce));
    return store_apply(context->store, apply_ask, &write, false, error);
}

static bool is_hash_of(struct str hash, struct str secret, struct arena *arena)
{
    return hash.len == CONSENT_HASH_SIZE && secret_bytes_eq(hash, consent_hash(arena, secret));
}

bool consent_is_browser(const struct consent *consent, struct str browser, struct arena *arena)
{
    return is_hash_of(consent->row.browser, browser, arena);
}

bool consent_is_state(const struct consent *consent, struct str secret, struct arena *arena)
{
    return is_hash_of(consent->row.state, secret, arena);
}

/* How long a change can take that an answer leads to. */
static int64_t finish_ms(const struct profile_context *context)
{
    return context->verify_timeout_ms + CONSENT_FINISH_MS;
}

bool consent_is_interrupted(const struct profile_context *context, const struct consent *consent)
{
    if (store_is_remote(context->store))
        return consent->row.expires_at_ms <= clock_wall_ms();
    return !consents_taken_has(context->consents_taken, consent->row.id);
}

bool consent_take(const struct profile_context *context, const struct consent *consent,
                  struct error *error)
{
    struct write write = {.row = consent->row, .now_ms = clock_wall_ms()};
    write.row.expires_at_ms = write.now_ms + finish_ms(context);
    consents_taken_add(context->consents_taken, consent->row.id, finish_ms(context));
    if (store_apply(context->store, apply_take, &write, false, error))
        return true;
    consents_taken_remove(context->consents_taken, consent->row.id);
    return false;
}

bool consent_end(const struct profile_context *context, const struct consent *consent,
                 const char *outcome, struct str words, struct error *error)
{
    struct write write = {.row = consent->row};
    write.row.outcome = str_from(outcome);
    write.row.words = words;
    return store_apply(context->store, apply_end, &write, true, error);
}
