/* Signing in over a channel: TLS as the request wants it, then one message after the other. */
#include "connectors/redshift/postgres_sign_in.h"

#include "base/clock.h"
#include "connectors/redshift/postgres_login.h"
#include "net/client/channel.h"
#include "wire/pg_message.h"

#include <string.h>

enum {
    READ_SIZE = 4096,
    SENT_MAX = 4 * POSTGRES_TEXT_MAX, /* bytes of the messages that go out at once */
};

struct postgres_session {
    struct channel channel;
    struct postgres_login login;
    unsigned char binding[CHANNEL_BINDING_MAX];
};

static const struct {
    bool encrypts;
    enum channel_trust trust;
} modes[] = {
    [POSTGRES_TLS_FULL] = {true, CHANNEL_TRUST_HOST},
    [POSTGRES_TLS_CA] = {true, CHANNEL_TRUST_ANY},
    [POSTGRES_TLS_ANY] = {true, CHANNEL_TRUST_NONE},
    [POSTGRES_TLS_OFF] = {false, CHANNEL_TRUST_NONE},
};

/* Why the channel failed. */
static bool fail_channel(struct postgres_session *session)
{
    return login_fail(&session->login, POSTGRES_FAILED, session->channel.outcome,
                      session->channel.clause);
}

/* One byte: 'S' or 'N'. No more is read, so that nothing that was sent in clear counts as sent
 * through TLS. An error is not read either: anybody on the way could have written it. */
static bool ask_for_tls(struct postgres_session *session)
{
    struct buf out = buf_in(session->channel.arena, SENT_MAX);
    size_t start;
    char answer;
    pg_message_begin(&out, '\0', &start);
    pg_message_i32(&out, PG_REQUEST_TLS);
    pg_message_end(&out, start);
    if (!channel_write(&session->channel, buf_str(&out)) ||
        channel_read(&session->channel, &answer, 1) == 0)
        return fail_channel(session);
    if (answer == 'N')
        return login_fail(&session->login, POSTGRES_NO_TLS, CLIENT_TLS, "offers no TLS");
    if (answer == 'E')
        return login_fail(&session->login, POSTGRES_FAILED, CLIENT_BROKEN,
                          "answers the request for TLS with an error");
    return answer == 'S' || login_is_no_postgres(&session->login);
}

static bool negotiate(struct postgres_session *session, enum postgres_tls tls)
{
    struct postgres_login *login = &session->login;
    if (!ask_for_tls(session))
        return false;
    if (!channel_start_tls(&session->channel, modes[tls].trust))
        return fail_channel(session);
    login->verified = modes[tls].trust == CHANNEL_TRUST_HOST;
    login->binding = channel_binding(&session->channel, session->binding);
    return true;
}

/* The time limit of a connection includes its encryption. */
static bool secure(struct postgres_session *session, const struct postgres_request *request)
{
    if (!modes[request->tls].encrypts)
        return true;
    session->channel.deadline_ms = session->channel.connect_end_ms;
    bool good = negotiate(session, request->tls);
    session->channel.deadline_ms = request->deadline_ms;
    return good;
}

static void drop_front(struct buf *received, struct str rest)
{
    memmove(received->data, rest.data, rest.len);
    received->len = rest.len;
}

/* Takes what is there, and sends what it is answered with. False: the conversation ended. */
static bool take_all(struct postgres_session *session, struct buf *received)
{
    struct buf out = buf_in(session->channel.arena, SENT_MAX);
    struct str rest = buf_str(received);
    while (login_take(&session->login, &rest, &out) && session->login.step != LOGIN_ENDED)
        continue;
    if (session->login.interrupted)
        return fail_channel(session);
    if (session->login.step == LOGIN_ENDED)
        return false;
    drop_front(received, rest);
    return channel_write(&session->channel, buf_str(&out)) || fail_channel(session);
}

static bool receive(struct postgres_session *session, struct buf *received)
{
    char piece[READ_SIZE];
    size_t len = channel_read(&session->channel, piece, sizeof(piece));
    buf_add(received, (struct str){piece, len});
    if (len > 0 && !received->overflow)
        return true;
    if (len > 0)
        channel_fail(&session->channel, CLIENT_TOO_LARGE, "answers with more than is read");
    if (session->channel.outcome == CLIENT_BROKEN)
        login_closed(&session->login, buf_str(received));
    else
        fail_channel(session);
    return false;
}

static void converse(struct postgres_session *session)
{
    struct buf out = buf_in(session->channel.arena, SENT_MAX);
    struct buf received = buf_in(session->channel.arena, POSTGRES_BYTES_MAX + READ_SIZE);
    login_begin(&session->login, &out);
    if (!channel_write(&session->channel, buf_str(&out))) {
        fail_channel(session);
        return;
    }
    while (receive(session, &received) && take_all(session, &received))
        continue;
}

/* "X": the server need not take the end of the connection for an accident. */
static void say_goodbye(struct postgres_session *session)
{
    if (session->login.response->result == POSTGRES_ACCEPTED)
        ignore_failure(channel_write(&session->channel, STR("X\0\0\0\4")));
}

/* Text that a protocol of NUL-ended strings cannot hold, or that is too long for a name. */
static bool is_fit(struct str text)
{
    return text.data && text.len > 0 && text.len <= POSTGRES_TEXT_MAX &&
           !memchr(text.data, '\0', text.len);
}

static bool open(struct postgres_session *session, const struct postgres_request *request)
{
    if (!is_fit(request->host) || !is_fit(request->database) || !is_fit(request->user) ||
        !is_fit(request->password))
        return login_fail(&session->login, POSTGRES_FAILED, CLIENT_BAD_URL,
                          "was not called: a part is empty or too long");
    return (channel_open(&session->channel) || fail_channel(session)) && secure(session, request);
}

void postgres_sign_in(struct client *client, struct arena *arena,
                      const struct postgres_request *request,
                      struct postgres_response *ret_response)
{
    bool v6 = request->host.data && memchr(request->host.data, ':', request->host.len);
    struct postgres_session session = {
        .channel = {.client = client,
                    .arena = arena,
                    .account = request->account,
                    .host = request->host,
                    .port = request->port,
                    .deadline_ms = request->deadline_ms,
                    .watch = request->watch,
                    .received_max = request->rows ? POSTGRES_ROWS_MAX : POSTGRES_BYTES_MAX,
                    .fd = -1},
        .login = {.arena = arena, .request = request, .response = ret_response},
    };
    session.login.watch =
        (struct scram_watch){.may_continue = channel_may_continue, .context = &session.channel};
    session.login.authority = arena_printf(arena, "%s%.*s%s:%d", v6 ? "[" : "",
                                           STR_ARG(request->host), v6 ? "]" : "", request->port)
                                  .data;
    /* Until something else is known. */
    *ret_response = (struct postgres_response){.result = POSTGRES_FAILED, .outcome = CLIENT_BROKEN};
    if (open(&session, request))
        converse(&session);
    say_goodbye(&session);
    ret_response->connected = session.channel.connected;
    channel_close(&session.channel);
}
