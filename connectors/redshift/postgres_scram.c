/* SCRAM-SHA-256 from the client's side (RFC 5802, RFC 7677; PostgreSQL's manual, "SASL
 * Authentication"), with the channel binding tls-server-end-point where the server offers it.
 *
 * How many iterations are computed is the server's choice within bounds: at most
 * SCRAM_ITERATIONS_MAX, in slices that end with the deadline; and at least SCRAM_ITERATIONS_LEAST
 * unless the server showed a trusted certificate for its host, since an impostor that asks for one
 * iteration gets a proof from which a password is guessed thousands of times as fast.
 */
#include "connectors/redshift/postgres_login.h"

#include "base/encode.h"
#include "base/random.h"
#include "connectors/redshift/postgres_password.h"
#include "wire/pg_message.h"

#include <openssl/crypto.h>
#include <string.h>

#define PLAIN "SCRAM-SHA-256"
#define PLUS "SCRAM-SHA-256-PLUS"

struct mechanisms {
    bool plain, plus;
};

static bool read_mechanisms(struct str body, struct mechanisms *ret_offered)
{
    struct str name = STR_NULL;
    *ret_offered = (struct mechanisms){0};
    while (pg_take_text(&body, &name) && name.len > 0) {
        ret_offered->plain = ret_offered->plain || str_eq(name, STR(PLAIN));
        ret_offered->plus = ret_offered->plus || str_eq(name, STR(PLUS));
    }
    return name.data && name.len == 0;
}

/* RFC 5802, 6: "y" tells a server that could bind, but was made to look as if it could not, that
 * the client would have. */
static void choose_header(struct postgres_login *login, const struct mechanisms *offered)
{
    bool can_bind = login->binding.data;
    login->scram.binds = can_bind && offered->plus;
    login->scram.header = login->scram.binds ? "p=tls-server-end-point,,"
                          : can_bind         ? "y,,"
                                             : "n,,";
}

bool login_scram_begin(struct postgres_login *login, struct str body, struct buf *out)
{
    struct login_scram *scram = &login->scram;
    struct mechanisms offered;
    char random[SCRAM_NONCE_SIZE];
    size_t start;
    if (!read_mechanisms(body, &offered))
        return login_is_no_postgres(login);
    choose_header(login, &offered);
    if (!scram->binds && !offered.plain) {
        login->response->result = POSTGRES_UNKNOWN_METHOD;
        login->response->method = PG_AUTH_SASL;
        login->step = LOGIN_ENDED;
        return false;
    }
    random_bytes(random, sizeof(random));
    scram->nonce = encode_base64(login->arena, (struct str){random, sizeof(random)});
    /* The name is the start-up packet's. */
    scram->client_first = arena_printf(login->arena, "n=,r=%.*s", STR_ARG(scram->nonce));
    struct str first =
        arena_printf(login->arena, "%s%.*s", scram->header, STR_ARG(scram->client_first));
    pg_message_begin(out, 'p', &start);
    pg_message_text(out, scram->binds ? STR(PLUS) : STR(PLAIN));
    pg_message_i32(out, (int32_t)first.len);
    buf_add(out, first);
    pg_message_end(out, start);
    return true;
}

struct server_first {
    struct str nonce; /* both parts */
    struct str salt;
    unsigned long long iterations;
};

/* Ours and something of the server's own, in the characters that RFC 5802 allows. */
static bool is_nonce(struct str nonce, struct str ours)
{
    for (size_t i = 0; i < nonce.len; i++) {
        if (nonce.data[i] < 0x21 || nonce.data[i] > 0x7E)
            return false;
    }
    return nonce.len > ours.len && str_starts(nonce, ours);
}

/* "r=NONCE,s=SALT,i=ITERATIONS" and nothing else: what an extension would ask for is not known. */
static bool read_server_first(struct postgres_login *login, struct str body,
                              struct server_first *ret_first)
{
    struct str salt, iterations;
    return scram_take(&body, 'r', &ret_first->nonce) && scram_take(&body, 's', &salt) &&
           scram_take(&body, 'i', &iterations) && body.len == 0 &&
           is_nonce(ret_first->nonce, login->scram.nonce) &&
           decode_base64(login->arena, salt, &ret_first->salt) && ret_first->salt.len > 0 &&
           str_to_u64(iterations, UINT64_MAX, &ret_first->iterations) && ret_first->iterations > 0;
}

static bool check_iterations(struct postgres_login *login, unsigned long long iterations)
{
    const char *clause;
    if (iterations > SCRAM_ITERATIONS_MAX) {
        clause = arena_printf(login->arena,
                              "asks for %llu SCRAM iterations, of which this server computes at "
                              "most %d",
                              iterations, SCRAM_ITERATIONS_MAX)
                     .data;
        return login_fail(login, POSTGRES_COSTLY, CLIENT_OK, clause);
    }
    if (login->verified || iterations >= SCRAM_ITERATIONS_LEAST)
        return true;
    clause = arena_printf(login->arena,
                          "asks for %llu SCRAM iterations, and at least %d are required of a "
                          "database whose certificate is not verified",
                          iterations, SCRAM_ITERATIONS_LEAST)
                 .data;
    return login_fail(login, POSTGRES_WEAK, CLIENT_OK, clause);
}

/* base64 of the header and, where it says so, of the binding. */
static struct str bound(struct postgres_login *login)
{
    struct str binding = login->scram.binds ? login->binding : STR("");
    struct buf bytes = buf_in(login->arena, POSTGRES_TEXT_MAX);
    buf_add_cstr(&bytes, login->scram.header);
    buf_add(&bytes, binding);
    return encode_base64(login->arena, buf_str(&bytes));
}

/* False: the watch ended it. */
static bool prove(struct postgres_login *login, const struct server_first *first,
                  struct str auth_message, struct scram_proof *ret_proof)
{
    unsigned char salted[SCRAM_KEY_SIZE];
    bool is_sure;
    struct str password = password_prepare(login->arena, login->request->password, &is_sure);
    bool good =
        scram_salt_password(password, first->salt, (int)first->iterations, &login->watch, salted);
    login->response->unsure = !is_sure;
    if (good)
        scram_prove(salted, auth_message, ret_proof);
    OPENSSL_cleanse(salted, sizeof(salted));
    return good;
}

bool login_scram_continue(struct postgres_login *login, struct str body, struct buf *out)
{
    struct server_first first;
    struct scram_proof proof;
    size_t start;
    if (!read_server_first(login, body, &first))
        return login_fail(login, POSTGRES_FAILED, CLIENT_BROKEN,
                          "answers with a SCRAM message that is malformed or for another client");
    if (!check_iterations(login, first.iterations))
        return false;
    struct str channel = bound(login);
    struct str without_proof =
        arena_printf(login->arena, "c=%.*s,r=%.*s", STR_ARG(channel), STR_ARG(first.nonce));
    struct str auth_message =
        arena_printf(login->arena, "%.*s,%.*s,%.*s", STR_ARG(login->scram.client_first),
                     STR_ARG(body), STR_ARG(without_proof));
    if (!prove(login, &first, auth_message, &proof)) {
        login->interrupted = true;
        login->step = LOGIN_ENDED;
        return false;
    }
    memcpy(login->scram.server, proof.server, SCRAM_KEY_SIZE);
    struct str shown =
        encode_base64(login->arena, (struct str){(const char *)proof.client, SCRAM_KEY_SIZE});
    pg_message_begin(out, 'p', &start);
    buf_printf(out, "%.*s,p=%.*s", STR_ARG(without_proof), STR_ARG(shown));
    pg_message_end(out, start);
    return true;
}

/* "v=SIGNATURE". Another server than the one that has the password's verifier cannot make it. */
bool login_scram_finish(struct postgres_login *login, struct str body, struct buf *out)
{
    struct str encoded, signature;
    (void)out;
    return (scram_take(&body, 'v', &encoded) && body.len == 0 &&
            decode_base64(login->arena, encoded, &signature) &&
            scram_is_key(signature, login->scram.server)) ||
           login_fail(login, POSTGRES_FAILED, CLIENT_BROKEN,
                      "does not prove that it knows the user's password");
}
