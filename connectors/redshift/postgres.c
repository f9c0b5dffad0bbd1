/* Which addresses a host has, which of them may be connected to, and one after the other. */
#include "connectors/redshift/postgres.h"

#include "base/clock.h"
#include "connectors/redshift/postgres_internal.h"
#include "net/client/internal.h"
#include "net/resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const char *spell(const struct sockaddr_storage *address, char out[INET6_ADDRSTRLEN])
{
    const void *bytes = address->ss_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    return inet_ntop(address->ss_family, bytes, out, INET6_ADDRSTRLEN);
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

/* True when another address may be tried: this one took no connection. */
static bool try_address(struct postgres_session *session, const char *address, int port)
{
    session->address = address;
    session->port = port;
    session->connect_end_ms =
        earlier(session->request->deadline_ms, clock_mono_ms() + CLIENT_CONNECT_TIMEOUT_MS);
    postgres_converse(session);
    return session->response->result == POSTGRES_FAILED && !session->response->connected &&
           session->response->outcome != CLIENT_STOPPED &&
           clock_mono_ms() < session->request->deadline_ms;
}

/* The egress policy checks each address right where it is connected to: libpq gets the address, and
 * looks up no name. */
static void try_addresses(struct postgres_session *session, const struct resolved *resolved)
{
    char text[INET6_ADDRSTRLEN];
    bool again = true;
    postgres_fail(session, CLIENT_REFUSED, "is an address that this server may not connect to");
    for (size_t i = 0; again && i < resolved->count; i++) {
        const struct sockaddr *address = (const struct sockaddr *)&resolved->addresses[i];
        if (egress_allows(session->client->egress, address) && spell(&resolved->addresses[i], text))
            again = try_address(session, text, session->request->port);
    }
}

static void find_and_try(struct postgres_session *session)
{
    const struct postgres_request *request = session->request;
    struct resolved resolved;
    if (session->client->sandbox) {
        try_address(session, "127.0.0.1", session->client->postgres_port);
        return;
    }
    int64_t until_ms = earlier(request->deadline_ms, clock_mono_ms() + CLIENT_CONNECT_TIMEOUT_MS);
    if (resolve_host(request->host, until_ms, &resolved))
        try_addresses(session, &resolved);
    else if (resolved.timed_out)
        postgres_fail(session, CLIENT_TIMEOUT, "was not found within the time limit");
    else
        postgres_fail(session, CLIENT_RESOLVE, "has no address");
}

/* Text that a C string cannot hold, or that is too long for a name. */
static bool is_fit(struct str text)
{
    return text.data && text.len > 0 && text.len <= POSTGRES_TEXT_MAX &&
           !memchr(text.data, '\0', text.len);
}

void postgres_sign_in(struct client *client, struct arena *arena,
                      const struct postgres_request *request,
                      struct postgres_response *ret_response)
{
    bool v6 = request->host.data && memchr(request->host.data, ':', request->host.len);
    struct postgres_session session = {
        .client = client,
        .arena = arena,
        .request = request,
        .authority = arena_printf(arena, "%s%.*s%s:%d", v6 ? "[" : "", STR_ARG(request->host),
                                  v6 ? "]" : "", request->port)
                         .data,
        .response = ret_response,
        .status = CONNECTION_STARTED,
    };
    *ret_response = (struct postgres_response){0};
    if (!is_fit(request->host) || !is_fit(request->database) || !is_fit(request->user) ||
        !is_fit(request->password)) {
        postgres_fail(&session, CLIENT_BAD_URL, "was not called: a part is empty or too long");
        return;
    }
    if (!libpq_load()) {
        postgres_fail(&session, CLIENT_BROKEN,
                      "was not called: libpq.so.5 (Debian's package libpq5) is not installed");
        return;
    }
    session.ca_path = client->trust.path;
    find_and_try(&session);
}
