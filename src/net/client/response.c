/* What curl calls while a transfer runs: may this address be connected to, may this be sent, and
 * taking the answer within its limits. All of it runs on the loop's thread. */
#include "net/client/internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* curl's types leave it to a callback whether it writes to what it is given. */
/* NOLINTBEGIN(readability-non-const-parameter) */

enum {
    HEADERS_FIRST = 16,
    HEADER_ROOM = 2 * CLIENT_HEADER_COUNT_MAX * sizeof(struct http_header), /* for all, doubling */
};

static size_t give_up(struct transfer *transfer, enum client_outcome outcome, const char *words)
{
    transfer->own_outcome = outcome;
    transfer->own_words = words;
    return 0;
}

/* In sandbox mode the one place to go is the sandbox; the operator's list has no say. */
static bool is_sandbox(const struct client *client, const struct sockaddr *address)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    if (address->sa_family != AF_INET || in->sin_addr.s_addr != htonl(INADDR_LOOPBACK))
        return false;
    int port = ntohs(in->sin_port);
    return port == client->tls_route.port || port == client->plain_route.port;
}

static bool may_connect(const struct transfer *transfer, const struct sockaddr *address)
{
    const struct client *client = transfer->client;
    const struct client_request *request = transfer->request;
    if (client->sandbox)
        return is_sandbox(client, address);
    if (request->route || transfer->proxied)
        return egress_allows(client->inside, address);
    return egress_allows(client->egress, address) &&
           (transfer->tls || !request->opened_only || egress_opens(client->egress, address));
}

/* Of addresses that the caller chose; the operator's route and proxy are not. */
static bool is_internal(const struct transfer *transfer, const struct sockaddr *address)
{
    const struct client *client = transfer->client;
    return !client->sandbox && !transfer->request->route && !transfer->proxied &&
           egress_hides(client->egress, address);
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *transfer = user;
    (void)purpose;
    if (!may_connect(transfer, &to->addr)) {
        transfer->refused++;
        return CURL_SOCKET_BAD;
    }
    transfer->opened++;
    transfer->internal = transfer->internal || is_internal(transfer, &to->addr);
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (fd >= 0)
        client_socket_opened(transfer->client, fd);
    return fd;
}

/* curl sends a request again when a connection that it had kept turns out to be dead before an
 * answer came. The vendor may have acted on the first one all the same, and an authorization code
 * that is seen twice is a reason to revoke its tokens; so only what changes nothing is repeated. */
static int before_sending(void *user, char *to, char *from, int to_port, int from_port)
{
    struct transfer *transfer = user;
    (void)to, (void)from, (void)to_port, (void)from_port;
    struct str method = transfer->request->method;
    bool repeatable =
        (str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"))) && !transfer->request->source;
    if (transfer->sent > 0 && !repeatable) {
        transfer->kept_was_dead = true;
        give_up(transfer, CLIENT_BROKEN, "@: connection closed before a response was received");
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->sent++;
    return CURL_PREREQFUNC_OK;
}

static void start_head(struct transfer *transfer, struct str line)
{
    unsigned long long status = 0;
    struct str version, rest = STR_NULL;
    str_cut(line, ' ', &version, &rest);
    if (rest.len >= 3)
        str_to_u64((struct str){rest.data, 3}, 999, &status);
    transfer->status = (int)status;
    transfer->header_count = 0;
}

static struct http_header *next_header(struct transfer *transfer)
{
    if (transfer->header_count == transfer->header_room) {
        size_t room = transfer->header_room ? transfer->header_room * 2 : HEADERS_FIRST;
        struct http_header *more = arena_array(transfer->loop_arena, struct http_header, room);
        if (transfer->header_count > 0)
            memcpy(more, transfer->headers, transfer->header_count * sizeof(*more));
        transfer->headers = more;
        transfer->header_room = room;
    }
    return &transfer->headers[transfer->header_count++];
}

/* Two lengths are two readings of where the answer ends (RFC 9112 6.3). */
static bool contradicts(const struct transfer *transfer, struct str name, struct str value)
{
    if (!str_eq_nocase(name, STR("Content-Length")))
        return false;
    for (size_t i = 0; i < transfer->header_count; i++) {
        const struct http_header *header = &transfer->headers[i];
        if (str_eq_nocase(header->name, name) && !str_eq(header->value, value))
            return true;
    }
    return false;
}

static bool has_header(const struct transfer *transfer, struct str name)
{
    for (size_t i = 0; i < transfer->header_count; i++) {
        if (str_eq_nocase(transfer->headers[i].name, name))
            return true;
    }
    return false;
}

/* Of chunks curl hands over what is in them, so what is received is looked at as it progresses.
 *
 * When as many connections lie unused as may, one more takes the place of the oldest, which libcurl
 * finds by looking at all there are. When these are many, the one more is closed instead. */
static void end_head(struct transfer *transfer)
{
    struct client *client = transfer->client;
    transfer->head_ended = true;
    transfer->keeps = client->resting + client->keeping < CLIENT_CONNECTIONS_KEPT;
    client->keeping += transfer->keeps;
    if (!transfer->keeps && client->active_count > CLIENT_CONNECTIONS_KEPT)
        libcurl.easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 1L);
    if (has_header(transfer, STR("Transfer-Encoding")))
        libcurl.easy_setopt(transfer->easy, CURLOPT_NOPROGRESS, 0L);
    if (transfer->stream)
        stream_head(transfer->stream);
}

void transfer_copy_head(struct transfer *transfer, struct client_response *ret_response)
{
    size_t count = transfer->header_count;
    struct http_header *headers = arena_array(transfer->arena, struct http_header, count);
    for (size_t i = 0; i < count; i++) {
        headers[i].name = arena_copy(transfer->arena, transfer->headers[i].name);
        headers[i].value = arena_copy(transfer->arena, transfer->headers[i].value);
    }
    ret_response->status = transfer->status;
    ret_response->headers = headers;
    ret_response->header_count = count;
}

/* Before bytes of the peer's are kept: the arena's meter may have no room for them. */
static bool has_room(struct transfer *transfer, size_t size)
{
    if (arena_has_room(transfer->loop_arena, size))
        return true;
    give_up(transfer, CLIENT_NO_MEMORY, "@: no memory is left for the response");
    return false;
}

static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    size_t taken = size * count;
    struct str line = {data, taken}, name, value;
    transfer->header_bytes += taken;
    if (transfer->header_bytes > CLIENT_HEADERS_MAX)
        return give_up(transfer, CLIENT_TOO_LARGE, "@: response headers exceed the size limit");
    if (transfer->head_ended) /* a trailer says nothing that we would act on */
        return taken;
    while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    if (str_starts(line, STR("HTTP/"))) /* again after an interim answer */
        start_head(transfer, line);
    else if (line.len == 0 && transfer->status >= 200)
        end_head(transfer);
    else if (str_cut(line, ':', &name, &value) && name.len > 0 && name.data[0] != ' ' &&
             name.data[0] != '\t') {
        value = str_trim(value);
        if (contradicts(transfer, name, value))
            return give_up(transfer, CLIENT_BROKEN,
                           "@: response has two different Content-Length headers");
        if (transfer->header_count == CLIENT_HEADER_COUNT_MAX)
            return give_up(transfer, CLIENT_TOO_LARGE, "@: response has too many headers");
        if (!has_room(transfer, HEADER_ROOM + taken))
            return 0;
        struct http_header *header = next_header(transfer);
        header->name = arena_copy(transfer->loop_arena, name);
        header->value = arena_copy(transfer->loop_arena, value);
    }
    return taken;
}

/* For the next bytes of a body, or for all of it where its length is known: it then grows once. */
static bool take_room(struct transfer *transfer, size_t size)
{
    struct buf *body = &transfer->body;
    unsigned long long length = size;
    for (size_t i = 0; body->cap == 0 && i < transfer->header_count; i++) {
        if (str_eq_nocase(transfer->headers[i].name, STR("Content-Length")) &&
            !str_to_u64(transfer->headers[i].value, body->limit, &length))
            length = size;
    }
    size_t wanted = length > size ? (size_t)length : size, growth = buf_growth(body, wanted);
    if (growth == 0)
        return true;
    if (!has_room(transfer, growth + growth * transfer->request->copies))
        return false;
    buf_reserve(body, wanted);
    return true;
}

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    struct str bytes = {data, size * count};
    if (transfer->request->sink) {
        size_t taken = stream_receive(transfer->stream, bytes);
        transfer->streamed += taken == bytes.len ? taken : 0;
        return taken;
    }
    if (!take_room(transfer, bytes.len))
        return 0;
    buf_add(&transfer->body, bytes);
    if (transfer->body.overflow)
        return give_up(transfer, CLIENT_TOO_LARGE, "@: response exceeds the size limit");
    return bytes.len;
}

static size_t give_body(char *out, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    return stream_send(transfer->stream, out, size * count);
}

/* NOLINTEND(readability-non-const-parameter) */

void transfer_set_callbacks(struct transfer *transfer, CURLcode *rc)
{
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    SET(CURLOPT_CLOSESOCKETFUNCTION, client_socket_close);
    SET(CURLOPT_CLOSESOCKETDATA, transfer->client); /* the socket outlives the transfer */
    SET(CURLOPT_PREREQFUNCTION, before_sending);
    SET(CURLOPT_PREREQDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_XFERINFOFUNCTION, client_socket_progress);
    SET(CURLOPT_XFERINFODATA, transfer);
    if (transfer->request->source) {
        SET(CURLOPT_READFUNCTION, give_body);
        SET(CURLOPT_READDATA, transfer);
    }
}
