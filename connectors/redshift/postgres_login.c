/* Which message may come at which step of a sign-in, and what it is answered with (PostgreSQL's
 * manual, "Message Flow"). */
#include "connectors/redshift/postgres_login.h"

#include "base/encode.h"
#include "wire/pg_message.h"

#include <openssl/evp.h>
#include <string.h>

enum {
    AUTHENTICATION_MAX = 2000, /* bytes of a body, as libpq has it, and for the next */
    ERROR_MAX = 30000,
    MD5_SIZE = 16,
    MD5_HEX_SIZE = 2 * MD5_SIZE + 1,
    MD5_SALT_SIZE = 4,
};

bool login_fail(struct postgres_login *login, enum postgres_result result,
                enum client_outcome outcome, const char *clause)
{
    struct postgres_response *response = login->response;
    response->result = result;
    response->outcome = outcome;
    response->detail = arena_printf(login->arena, "%s %s", login->authority, clause).data;
    login->step = LOGIN_ENDED;
    return false;
}

bool login_is_no_postgres(struct postgres_login *login)
{
    return login_fail(login, POSTGRES_STRANGER, CLIENT_BROKEN,
                      "does not speak PostgreSQL's protocol");
}

/* --- what is sent --- */

void login_begin(struct postgres_login *login, struct buf *out)
{
    const struct postgres_request *request = login->request;
    const struct {
        struct str name, value;
    } parameters[] = {
        {STR("user"), request->user},
        {STR("database"), request->database},
        {STR("application_name"), STR("headgate")},
        {STR("client_encoding"), STR("UTF8")},
    };
    size_t start;
    login->step = LOGIN_AUTHENTICATION;
    login->asked = -1;
    pg_message_begin(out, '\0', &start);
    pg_message_i32(out, PG_PROTOCOL_3_0);
    for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
        pg_message_text(out, parameters[i].name);
        pg_message_text(out, parameters[i].value);
    }
    buf_add_char(out, '\0');
    pg_message_end(out, start);
}

static bool send_text(struct buf *out, char type, struct str text)
{
    size_t start;
    pg_message_begin(out, type, &start);
    pg_message_text(out, text);
    pg_message_end(out, start);
    return true;
}

static bool send_cleartext(struct postgres_login *login, struct str body, struct buf *out)
{
    (void)body;
    return send_text(out, 'p', login->request->password);
}

static bool md5_hex(struct str a, struct str b, char out[MD5_HEX_SIZE])
{
    unsigned char hash[MD5_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1 &&
                EVP_DigestUpdate(context, a.data, a.len) == 1 &&
                EVP_DigestUpdate(context, b.data, b.len) == 1 &&
                EVP_DigestFinal_ex(context, hash, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (good)
        encode_hex(hash, sizeof(hash), out);
    return good;
}

/* "md5" and the hex of md5(hex of md5(password, user), salt). */
static bool send_md5(struct postgres_login *login, struct str body, struct buf *out)
{
    char inner[MD5_HEX_SIZE], outer[MD5_HEX_SIZE];
    if (body.len != MD5_SALT_SIZE)
        return login_is_no_postgres(login);
    bool good = md5_hex(login->request->password, login->request->user, inner) &&
                md5_hex(str_from(inner), body, outer);
    struct str text = good ? arena_printf(login->arena, "md5%s", outer) : STR_NULL;
    explicit_bzero(inner, sizeof(inner));
    if (!good)
        return login_fail(login, POSTGRES_FAILED, CLIENT_BROKEN,
                          "asks for MD5, which this system's OpenSSL does not compute");
    return send_text(out, 'p', text);
}

static bool signed_in(struct postgres_login *login, struct str body, struct buf *out)
{
    (void)body;
    (void)out;
    login->step = LOGIN_GREETING;
    return true;
}

/* --- authentication --- */

typedef bool take_fn(struct postgres_login *login, struct str body, struct buf *out);

/* Each method once: what was answered is not asked for again, and SCRAM ends with the server's
 * own proof. */
static const struct {
    int after; /* -1: the first request */
    enum pg_authentication request;
    take_fn *take;
} requests[] = {
    {-1, PG_AUTH_OK, signed_in},
    {-1, PG_AUTH_CLEARTEXT, send_cleartext},
    {PG_AUTH_CLEARTEXT, PG_AUTH_OK, signed_in},
    {-1, PG_AUTH_MD5, send_md5},
    {PG_AUTH_MD5, PG_AUTH_OK, signed_in},
    {-1, PG_AUTH_SASL, login_scram_begin},
    {PG_AUTH_SASL, PG_AUTH_SASL_CONTINUE, login_scram_continue},
    {PG_AUTH_SASL_CONTINUE, PG_AUTH_SASL_FINAL, login_scram_finish},
    {PG_AUTH_SASL_FINAL, PG_AUTH_OK, signed_in},
};

static bool fail_request(struct postgres_login *login, int request)
{
    if (login->asked >= PG_AUTH_SASL)
        return login_fail(login, POSTGRES_FAILED, CLIENT_BROKEN,
                          "does not prove that it knows the user's password");
    if (login->asked >= 0)
        return login_fail(login, POSTGRES_FAILED, CLIENT_BROKEN,
                          "asks for the password in two ways, one after the other");
    login->response->result = POSTGRES_UNKNOWN_METHOD;
    login->response->method = request;
    login->step = LOGIN_ENDED;
    return false;
}

static bool take_request(struct postgres_login *login, struct str body, struct buf *out)
{
    int32_t request;
    if (!pg_take_i32(&body, &request))
        return login_is_no_postgres(login);
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        if (requests[i].after != login->asked || (int32_t)requests[i].request != request)
            continue;
        login->asked = request;
        return requests[i].take(login, body, out);
    }
    return fail_request(login, request);
}

/* --- the server's errors --- */

/* Its first line. */
static struct str message_of(struct postgres_login *login, struct str text)
{
    struct str line = text, rest;
    str_cut(text, '\n', &line, &rest);
    if (line.len > POSTGRES_MESSAGE_MAX)
        line.len = POSTGRES_MESSAGE_MAX;
    return arena_copy(login->arena, line);
}

static bool is_sqlstate(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_upper(text.data[i]) && !ascii_is_digit(text.data[i]))
            return false;
    }
    return text.len == PG_SQLSTATE_LEN;
}

static bool refuse(struct postgres_login *login, struct str sqlstate, struct str message)
{
    struct postgres_response *response = login->response;
    response->result = POSTGRES_REFUSED;
    response->sqlstate = sqlstate.data ? arena_copy(login->arena, sqlstate) : STR_NULL;
    response->message = message_of(login, message);
    login->step = LOGIN_ENDED;
    return false;
}

static bool take_error(struct postgres_login *login, struct str body, struct buf *out)
{
    struct str sqlstate, message;
    (void)out;
    if (!pg_error_field(body, 'M', &message))
        return login_is_no_postgres(login);
    if (!pg_error_field(body, 'C', &sqlstate) || !is_sqlstate(sqlstate))
        sqlstate = STR_NULL;
    return refuse(login, sqlstate, message);
}

/* --- the rest --- */

static bool skip(struct postgres_login *login, struct str body, struct buf *out)
{
    (void)login;
    (void)body;
    (void)out;
    return true;
}

static bool send_query(struct postgres_login *login, struct str body, struct buf *out)
{
    (void)body;
    const struct sql_rows *rows = login->request->rows;
    login->step = LOGIN_QUERY;
    return send_text(out, 'Q', rows ? rows->sql : STR("SELECT 1"));
}

static bool fail_answer(struct postgres_login *login)
{
    return login_fail(login, POSTGRES_FAILED, CLIENT_BROKEN,
                      login->request->rows ? "does not answer the query with its columns"
                                           : "does not answer SELECT 1 with 1");
}

static bool succeed(struct postgres_login *login)
{
    login->response->result = POSTGRES_ACCEPTED;
    login->step = LOGIN_ENDED;
    return false;
}

static bool take_description(struct postgres_login *login, struct str body, struct buf *out)
{
    int16_t columns;
    (void)out;
    login->columns = pg_take_i16(&body, &columns) ? columns : 0;
    return true;
}

/* A length of -1 is NULL's. Cells are shown in the API's answers, which are JSON: other bytes than
 * UTF-8, which was asked for, are refused. */
static bool take_cell(struct str *body, struct str *ret_cell)
{
    int32_t len;
    *ret_cell = STR_NULL;
    return pg_take_i32(body, &len) &&
           (len == -1 ||
            (len >= 0 && pg_take_bytes(body, (size_t)len, ret_cell) && utf8_is_valid(*ret_cell)));
}

static bool hand_over(struct postgres_login *login, struct str body)
{
    struct sql_rows *rows = login->request->rows;
    struct str cells[SQL_COLUMNS_MAX];
    int16_t columns;
    bool good = pg_take_i16(&body, &columns) && columns == rows->columns;
    for (int i = 0; good && i < rows->columns; i++)
        good = take_cell(&body, &cells[i]);
    if (!good || login->columns != rows->columns || body.len > 0)
        return fail_answer(login);
    rows->stopped = !rows->each(rows->context, cells);
    return !rows->stopped || succeed(login);
}

static bool take_row(struct postgres_login *login, struct str body, struct buf *out)
{
    int16_t columns;
    int32_t len;
    (void)out;
    if (login->request->rows)
        return hand_over(login, body);
    login->rows++;
    login->is_one = pg_take_i16(&body, &columns) && columns == 1 && pg_take_i32(&body, &len) &&
                    len == 1 && str_eq(body, STR("1"));
    return true;
}

static bool conclude(struct postgres_login *login, struct str body, struct buf *out)
{
    const struct sql_rows *rows = login->request->rows;
    (void)body;
    (void)out;
    bool good = rows ? login->columns == rows->columns
                     : login->columns == 1 && login->rows == 1 && login->is_one;
    return good ? succeed(login) : fail_answer(login);
}

static const struct message {
    enum login_step step;
    char type;
    size_t body_max; /* 0: the conversation's */
    take_fn *take;
} messages[] = {
    {LOGIN_AUTHENTICATION, 'R', AUTHENTICATION_MAX, take_request},
    {LOGIN_AUTHENTICATION, 'E', ERROR_MAX, take_error},
    {LOGIN_GREETING, 'S', 0, skip}, /* ParameterStatus */
    {LOGIN_GREETING, 'K', 0, skip}, /* BackendKeyData */
    {LOGIN_GREETING, 'N', 0, skip}, /* NoticeResponse */
    {LOGIN_GREETING, 'A', 0, skip}, /* NotificationResponse */
    {LOGIN_GREETING, 'E', 0, take_error},
    {LOGIN_GREETING, 'Z', 0, send_query}, /* ReadyForQuery */
    {LOGIN_QUERY, 'S', 0, skip},
    {LOGIN_QUERY, 'N', 0, skip},
    {LOGIN_QUERY, 'A', 0, skip},
    {LOGIN_QUERY, 'T', 0, take_description},
    {LOGIN_QUERY, 'D', 0, take_row},
    {LOGIN_QUERY, 'C', 0, skip}, /* CommandComplete */
    {LOGIN_QUERY, 'E', 0, take_error},
    {LOGIN_QUERY, 'Z', 0, conclude},
};

static const struct message *find_message(enum login_step step, char type)
{
    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        if (messages[i].step == step && messages[i].type == type)
            return &messages[i];
    }
    return NULL;
}

static bool fail_type(struct postgres_login *login)
{
    return login->step == LOGIN_QUERY ? fail_answer(login) : login_is_no_postgres(login);
}

/* Protocol 2's form of an error, which a server uses when it cannot even start a session: "E",
 * text, NUL. The text's first bytes are a length that is out of bounds. */
static bool is_old_error(const struct postgres_login *login, struct str received)
{
    return login->step == LOGIN_AUTHENTICATION && login->asked < 0 && received.data[0] == 'E';
}

static bool take_old_error(struct postgres_login *login, struct str received)
{
    struct str message = {received.data + 1, received.len - 1}, rest;
    str_cut(message, '\0', &message, &rest);
    return refuse(login, STR_NULL, message);
}

static bool fail_length(struct postgres_login *login, struct str received)
{
    if (is_old_error(login, received)) {
        bool whole =
            received.len > POSTGRES_MESSAGE_MAX || memchr(received.data, '\0', received.len);
        return whole ? !take_old_error(login, received) : false;
    }
    if (login->step == LOGIN_AUTHENTICATION)
        return !login_is_no_postgres(login);
    return !login_fail(login, POSTGRES_FAILED, CLIENT_TOO_LARGE, "answers with more than is read");
}

bool login_take(struct postgres_login *login, struct str *received, struct buf *out)
{
    struct str head, body, rest = *received;
    char type;
    size_t len;
    if (login->step == LOGIN_ENDED || received->len == 0)
        return login->step == LOGIN_ENDED;
    const struct message *message = find_message(login->step, received->data[0]);
    if (!message)
        return !fail_type(login);
    if (!pg_take_bytes(&rest, PG_HEAD_SIZE, &head))
        return false;
    size_t max = message->body_max > 0 ? message->body_max : POSTGRES_BYTES_MAX;
    if (!pg_read_head(head.data, &type, &len) || len > max)
        return fail_length(login, *received);
    if (!pg_take_bytes(&rest, len, &body))
        return false;
    *received = rest;
    message->take(login, body, out);
    return true;
}

void login_closed(struct postgres_login *login, struct str received)
{
    if (received.len > PG_HEAD_SIZE && is_old_error(login, received))
        take_old_error(login, received);
    else
        login_fail(login, POSTGRES_FAILED, CLIENT_BROKEN, "ended the conversation");
}
