/* One client of the database from its first byte to its last. */
#include "sandbox/postgres/session.h"

#include "base/random.h"
#include "sandbox/records/copy.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STARTUP_MAX = 10000, /* bytes, as PostgreSQL's own MAX_STARTUP_PACKET_LENGTH */
    STARTUPS_MAX = 4,    /* requests for encryption before the start-up packet */
    HUGE_ROW = 2 * 1024 * 1024,
    OID_INT4 = 23,
    OID_TEXT = 25,
    INT4_SIZE = 4,
};

struct session {
    struct wire *wire;
    struct database_context context;
    struct str user;
    struct str database;
    const struct account *account;
};

static void reset(struct wire *wire)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* False when everything ends, or the client has gone. */
static bool linger(struct wire *wire)
{
    struct pollfd fds[] = {{.fd = wire->stop_fd, .events = POLLIN},
                           {.fd = wire->fd, .events = POLLRDHUP}};
    return poll(fds, 2, SLOW_MS) == 0;
}

static bool accept_tls(struct session *session)
{
    struct wire *wire = session->wire;
    if (wire->ssl || !wire_write(wire, STR("S")))
        return false;
    wire->ssl = SSL_new(session->context.tls);
    return wire->ssl && SSL_set_fd(wire->ssl, wire->fd) && SSL_accept(wire->ssl) == 1;
}

/* Names and values, each with its NUL; an empty name ends them. */
static void read_parameters(struct session *session, struct str left)
{
    while (left.len > 1 && left.data[0] != '\0') {
        struct str name, value;
        if (!str_cut(left, '\0', &name, &left) || !str_cut(left, '\0', &value, &left))
            return;
        if (str_eq(name, STR("user")))
            session->user = value;
        else if (str_eq(name, STR("database")))
            session->database = value;
    }
}

static bool start_up(struct session *session)
{
    struct wire *wire = session->wire;
    for (int i = 0; i < STARTUPS_MAX; i++) {
        char head[8];
        if (!wire_read(wire, head, sizeof(head)))
            return false;
        int32_t size = pg_read_i32(head), code = pg_read_i32(head + 4);
        if (size < 8 || size > STARTUP_MAX)
            return false;
        size_t len = (size_t)size - 8;
        char *rest = arena_alloc(&wire->arena, len + 1);
        if (!wire_read(wire, rest, len))
            return false;
        if (code == PG_PROTOCOL_3_0) {
            read_parameters(session, (struct str){rest, len});
            return session->user.len > 0;
        }
        if (code == PG_REQUEST_TLS ? !accept_tls(session)
                                   : code != PG_REQUEST_GSS || !wire_write(wire, STR("N")))
            return false;
    }
    return false;
}

/* What happens before anybody is asked for a password. False: the end. */
static bool pass_faults(struct session *session)
{
    struct wire *wire = session->wire;
    enum fault fault = session->account ? session->account->fault : FAULTLESS;
    if (fault == FAULT_CLOSED_AT_ONCE)
        reset(wire);
    if (fault == FAULT_FOREIGN)
        wire_write(wire, STR("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    if (fault == FAULT_CLOSED_AT_ONCE || fault == FAULT_FOREIGN)
        return false;
    return fault != FAULT_LATE || linger(wire);
}

static bool refuses(struct session *session, bool at_query)
{
    const struct account *account = session->account;
    if (!account || !account->sqlstate || account->at_query != at_query)
        return false;
    return !account->once ||
           memory_use(session->context.memory, STR("database"), session->user) == 0;
}

static bool sign_in(struct session *session)
{
    struct wire *wire = session->wire;
    const struct account *account = session->account;
    bool good = account && !account->password; /* refused before it is asked for one */
    if (!good && !login_prove(wire, account, session->user, &good))
        return false;
    if (!good)
        return send_error(wire, "FATAL", "28000",
                          arena_printf(&wire->arena,
                                       "password authentication failed for user \"%.*s\"",
                                       STR_ARG(session->user))
                              .data) &&
               false;
    if (refuses(session, false))
        return send_error(wire, "FATAL", account->sqlstate, account->message) && false;
    if (str_eq(session->database, STR("dev")))
        return send_authentication(wire, PG_AUTH_OK, STR(""));
    return send_error(wire, "FATAL", "3D000",
                      arena_printf(&wire->arena, "database \"%.*s\" does not exist",
                                   STR_ARG(session->database))
                          .data) &&
           false;
}

static void add_ready(struct buf *out)
{
    size_t start;
    pg_message_begin(out, 'Z', &start);
    buf_add_char(out, 'I');
    pg_message_end(out, start);
}

static bool greet(struct session *session)
{
    static const char *const settings[][2] = {
        {"server_version", "8.0.2"},      {"server_encoding", "UNICODE"},
        {"client_encoding", "UTF8"},      {"DateStyle", "ISO, MDY"},
        {"integer_datetimes", "on"},      {"is_superuser", "off"},
        {"server_protocol_version", "0"},
    };
    struct buf out = buf_in(&session->wire->arena, MESSAGE_MAX);
    size_t start;
    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
        pg_message_begin(&out, 'S', &start);
        pg_message_text(&out, str_from(settings[i][0]));
        pg_message_text(&out, str_from(settings[i][1]));
        pg_message_end(&out, start);
    }
    pg_message_begin(&out, 'K', &start);
    pg_message_i32(&out, 1073815613);
    pg_message_i32(&out, 1);
    pg_message_end(&out, start);
    add_ready(&out);
    return wire_write(session->wire, buf_str(&out));
}

static void add_row(struct buf *out, struct str value)
{
    static const char *const names[] = {"?column?"};
    rows_describe(out, names, 1, OID_INT4, INT4_SIZE);
    rows_add(out, &value, 1);
}

static void add_end(struct buf *out, struct str command)
{
    size_t start;
    pg_message_begin(out, 'C', &start);
    pg_message_text(out, command);
    pg_message_end(out, start);
    add_ready(out);
}

static bool send_row(struct session *session)
{
    struct wire *wire = session->wire;
    enum fault fault = session->account->fault;
    struct buf out = buf_in(&wire->arena, HUGE_ROW + MESSAGE_MAX);
    struct str value = STR("1");
    if (fault == FAULT_HUGE)
        value = (struct str){memset(arena_alloc(&wire->arena, HUGE_ROW), '1', HUGE_ROW), HUGE_ROW};
    add_row(&out, value);
    if (fault == FAULT_CUT) {
        out.len -= 3;
        wire_write(wire, buf_str(&out));
        reset(wire);
        return false;
    }
    add_end(&out, STR("SELECT"));
    return wire_write(wire, buf_str(&out));
}

static bool send_refusal(struct wire *wire, const char *sqlstate, const char *message)
{
    struct buf out = buf_in(&wire->arena, MESSAGE_MAX);
    add_ready(&out);
    return send_error(wire, "ERROR", sqlstate, message) && wire_write(wire, buf_str(&out));
}

static bool copy(struct session *session, struct str statement)
{
    struct wire *wire = session->wire;
    struct buf out = buf_in(&wire->arena, MESSAGE_MAX);
    struct copy_fault fault;
    if (!copy_statement_run(session->context.loaded, statement, STR_NULL, &wire->arena, &fault))
        return send_refusal(wire, fault.sqlstate, arena_cstr(&wire->arena, fault.message));
    add_end(&out, STR("COPY"));
    return wire_write(wire, buf_str(&out));
}

/* The rows of the system's views of loads: those that were made are there, and no errors are. */
static bool answer_loads(struct session *session, struct str statement, struct buf *out)
{
    static const char *const names[] = {"btrim"};
    struct str run, rest, status = STR("completed");
    if (str_contains(statement, STR(" FROM sys_load_error_detail "))) {
        static const char *const details[] = {"btrim", "line_number", "btrim", "btrim"};
        rows_describe(out, details, 4, OID_TEXT, -1);
        return true;
    }
    if (!str_contains(statement, STR(" FROM sys_load_history ")) ||
        !str_cut(statement, '%', &rest, &run) || !str_cut(run, '%', &run, &rest))
        return false;
    rows_describe(out, names, 1, OID_TEXT, -1);
    if (loaded_has(session->context.loaded, STR("Redshift"), run))
        rows_add(out, &status, 1);
    return true;
}

static bool answer_query(struct session *session, struct str query)
{
    struct str text = {query.data, query.len > 0 ? query.len - 1 : 0}; /* without its NUL */
    while (str_ends(text, STR(";")) || str_ends(text, STR(" ")))
        text.len--;
    if (refuses(session, true))
        return send_refusal(session->wire, session->account->sqlstate, session->account->message);
    if (str_eq_nocase(text, STR("SELECT 1")))
        return send_row(session);
    if (str_starts(text, STR("COPY ")))
        return copy(session, text);
    struct buf out = buf_in(&session->wire->arena, MESSAGE_MAX);
    if (!answer_loads(session, text, &out) && !tables_answer(text, &session->wire->arena, &out))
        return send_refusal(session->wire, "0A000",
                            "the sandbox answers SELECT 1, COPY with a manifest, and what a "
                            "list of tables, of a table's columns or of loads is asked for with");
    add_end(&out, STR("SELECT"));
    return wire_write(session->wire, buf_str(&out));
}

static void serve(struct session *session)
{
    char type;
    struct str body;
    while (wire_read_message(session->wire, &type, &body) && type != 'X') {
        bool goes_on = type == 'Q' ? answer_query(session, body)
                                   : send_refusal(session->wire, "0A000",
                                                  "the sandbox takes simple queries only");
        if (!goes_on)
            return;
    }
}

void database_converse(struct wire *wire, const struct database_context *context)
{
    struct session session = {.wire = wire, .context = *context};
    if (!start_up(&session))
        return;
    session.account = account_find(session.user);
    if (session.database.len == 0)
        session.database = session.user;
    if (pass_faults(&session) && sign_in(&session) && greet(&session))
        serve(&session);
}
