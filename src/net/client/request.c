/* One request as options of a curl handle, after a check that it can be sent as it is. */
#include "net/client/internal.h"

#include "base/url.h"

#include <openssl/ssl.h>
#include <string.h>

enum {
    METHOD_MAX = 16,
    /* Each call has buffers of its own, which are wiped whole after it. */
    RECEIVE_BUFFER_SIZE = 4 * 1024,
    SEND_BUFFER_SIZE = 16 * 1024, /* curl's least */
    STREAM_BUFFER_SIZE = 64 * 1024,
};

/* --- what can be sent --- */

static bool is_token(struct str text)
{
    static const char punctuation[] = "!#$%&'*+-.^_`|~"; /* RFC 9110 5.6.2 */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool letter = ascii_is_alnum(c);
        if (!letter && (c == '\0' || !strchr(punctuation, c)))
            return false;
    }
    return text.len > 0;
}

static bool is_method(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 'A' || text.data[i] > 'Z')
            return false;
    }
    return text.len > 0 && text.len <= METHOD_MAX;
}

/* A line break in a value (a credential, say) would be a header of its own for the vendor. */
static bool is_header_value(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

/* The authority of an absolute http or https URL. Stricter than curl, which repairs much: what was
 * checked by a caller and what is connected to must not differ. */
static bool split_url(struct str url, struct str *ret_authority, bool *ret_tls)
{
    struct url_parts parts;
    if (!url.data || url.len > CLIENT_URL_MAX || !url_split(url, &parts))
        return false;
    *ret_tls = str_eq_nocase(parts.scheme, STR("https"));
    if (!*ret_tls && !str_eq_nocase(parts.scheme, STR("http")))
        return false;
    for (size_t i = 0; i < url.len; i++) {
        if (url.data[i] <= ' ' || url.data[i] > '~' || url.data[i] == '\\')
            return false;
    }
    *ret_authority = parts.authority;
    return parts.authority.len > 0 && !memchr(parts.authority.data, '@', parts.authority.len);
}

/* NULL when the request can be sent as it is. */
static const char *find_fault(const struct client_request *request)
{
    static const struct str own[] = {STR("Host"), STR("Content-Length"), STR("Transfer-Encoding"),
                                     STR("Connection"), STR("Expect")};
    if (!is_method(request->method))
        return "the method is not one of HTTP's";
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (!is_token(header->name))
            return "a header's name holds characters that HTTP does not allow";
        if (!is_header_value(header->value))
            return "a header's value holds a control character";
        for (size_t k = 0; k < sizeof(own) / sizeof(*own); k++) {
            if (str_eq_nocase(header->name, own[k]))
                return "it brings a header that the connection sets itself";
        }
    }
    return NULL;
}

static bool refuse(struct client_response *ret_response, const char *words)
{
    ret_response->outcome = CLIENT_BAD_URL;
    ret_response->detail = words;
    return false;
}

/* --- options --- */

/* OpenSSL reads on by itself after a HelloRequest (RFC 5246, 7.4.1.1) in the middle of a handshake:
 * a peer that sends them without end would hold the thread. None has a reason to. */
static void on_tls_message(int is_sent, int version, int type, const void *message, size_t size,
                           SSL *ssl, void *unused)
{
    (void)version, (void)unused;
    if (!is_sent && type == SSL3_RT_HANDSHAKE && size > 0 &&
        *(const unsigned char *)message == SSL3_MT_HELLO_REQUEST && SSL_in_init(ssl))
        SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
}

/* What was read of a record is wiped, and SSLKEYLOGFILE in the environment writes no keys. curl has
 * a connection's record buffers freed between records, which with that option wipes the whole of
 * them each time; they are kept as long as the connection. After what is no data, such as session
 * tickets, OpenSSL returns instead of reading on: other transfers have their turn. */
static CURLcode start_tls(CURL *easy, void *context, void *user)
{
    struct transfer *transfer = user;
    (void)easy;
    transfer->secured++;
    SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_clear_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_msg_callback(context, on_tls_message);
    SSL_CTX_set_keylog_callback(context, NULL);
    return CURLE_OK;
}

static void set_security(struct transfer *transfer, CURLcode *rc)
{
    struct client *client = transfer->client;
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSL_CTX_FUNCTION, start_tls);
    SET(CURLOPT_SSL_CTX_DATA, transfer);
    SET(CURLOPT_CAPATH, NULL); /* the bundle alone is parsed once and kept, a directory is not */
    if (client->trust.path)
        SET(CURLOPT_CAINFO, client->trust.path);
}

static struct str without_dot(struct str host)
{
    return (struct str){host.data, host.len - str_ends(host, STR("."))};
}

struct str transfer_host(const struct transfer *transfer, int *ret_port)
{
    struct str whole = transfer->authority, host = url_host_of(whole);
    unsigned long long port = transfer->tls ? 443 : 80;
    if (host.len < whole.len)
        str_to_u64((struct str){host.data + host.len + 1, whole.len - host.len - 1}, 65535, &port);
    *ret_port = (int)port;
    return host;
}

static bool goes_through_proxy(const struct transfer *transfer)
{
    const struct client *client = transfer->client;
    if (!client->proxy || client->sandbox || transfer->request->route || !transfer->tls)
        return false;
    int port;
    struct str host = transfer_host(transfer, &port);
    return !proxy_excepts(client->proxy_exceptions, host, port);
}

/* Without these two options libcurl would take what the environment names. With "separate" headers
 * the caller's, which hold credentials, are the vendor's alone: the proxy sees none of them. */
static void set_proxy(struct transfer *transfer, CURLcode *rc)
{
    const struct proxy *proxy = transfer->client->proxy;
    SET(CURLOPT_NOPROXY, "");
    if (!transfer->proxied) {
        SET(CURLOPT_PROXY, "");
        return;
    }
    SET(CURLOPT_PROXY, proxy->host);
    SET(CURLOPT_PROXYPORT, (long)proxy->port);
    SET(CURLOPT_PROXYTYPE, (long)CURLPROXY_HTTP);
    SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    if (proxy->user[0] == '\0')
        return;
    SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    SET(CURLOPT_PROXYUSERNAME, proxy->user);
    SET(CURLOPT_PROXYPASSWORD, proxy->password);
}

static bool leads_to_itself(const struct transfer *transfer)
{
    int port;
    struct str host = transfer_host(transfer, &port), to = transfer->request->route->host;
    return str_eq_nocase(without_dot(host), without_dot(to));
}

/* curl keeps connections to another host apart from the usual ones, but not those to the URL's own:
 * a call without a route would find one that the egress policy keeps from it. */
static void set_private_way(struct transfer *transfer, CURLcode *rc)
{
    struct curl_slist *entry = arena_new(transfer->arena, struct curl_slist);
    entry->data = (char *)transfer->request->route->connect_to; /* only read */
    SET(CURLOPT_CONNECT_TO, entry);
    if (leads_to_itself(transfer))
        SET(CURLOPT_FORBID_REUSE, 1L);
}

static void set_connection(struct transfer *transfer, const struct client_route *sandbox,
                           CURLcode *rc)
{
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* or a name server that is silent would hold up every transfer */
    SET(CURLOPT_CONNECTTIMEOUT_MS, transfer->client->connect_timeout_ms);
    SET(CURLOPT_MAXAGE_CONN, (long)CLIENT_IDLE_MAX_S);
    SET(CURLOPT_MAXLIFETIME_CONN, (long)CLIENT_CONNECTION_AGE_MAX_S);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, (long)CLIENT_DNS_CACHE_S);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_BUFFERSIZE,
        (long)(transfer->request->sink ? STREAM_BUFFER_SIZE : RECEIVE_BUFFER_SIZE));
    SET(CURLOPT_UPLOAD_BUFFERSIZE,
        (long)(transfer->request->source ? STREAM_BUFFER_SIZE : SEND_BUFFER_SIZE));
    if (transfer->client->sandbox)
        SET(CURLOPT_CONNECT_TO, &sandbox->entry);
    else if (transfer->request->route)
        set_private_way(transfer, rc);
}

/* A body of unknown length is sent chunked, because of the header that set_headers adds. */
static void set_body(struct transfer *transfer, CURLcode *rc)
{
    const struct client_request *request = transfer->request;
    const struct client_source *source = request->source;
    if (source && source->length != 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)source->length);
        return;
    }
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(source ? 0 : request->body.len));
    SET(CURLOPT_POSTFIELDS, request->body.data && !source ? request->body.data : ""); /* no copy */
}

static void set_method(struct transfer *transfer, CURLcode *rc)
{
    const struct client_request *request = transfer->request;
    struct str method = request->method;
    bool carries_body = request->source || request->body.len > 0 || str_eq(method, STR("POST")) ||
                        str_eq(method, STR("PUT")) || str_eq(method, STR("PATCH"));
    const char *name = arena_cstr(transfer->arena, method);
    if (carries_body) {
        set_body(transfer, rc);
        if (!str_eq(method, STR("POST")))
            SET(CURLOPT_CUSTOMREQUEST, name);
    } else if (str_eq(method, STR("HEAD"))) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (!str_eq(method, STR("GET"))) {
        SET(CURLOPT_CUSTOMREQUEST, name);
    }
}

/* A line of curl's list, built in the caller's arena and without printf, which leaves pieces of
 * what it prints on the stack. curl reads "Name;" as a header without a value, and
 * "Name:" as no such header. */
static struct curl_slist *add_line(struct transfer *transfer, struct curl_slist *list,
                                   struct str name, const char *between, struct str value)
{
    struct curl_slist *entry = arena_new(transfer->arena, struct curl_slist);
    size_t gap = strlen(between);
    entry->data = arena_alloc(transfer->arena, name.len + gap + value.len + 1);
    memcpy(entry->data, name.data, name.len);
    memcpy(entry->data + name.len, between, gap);
    if (value.len > 0)
        memcpy(entry->data + name.len + gap, value.data, value.len);
    entry->next = list;
    return entry;
}

/* Headers of the caller's that take the place of ours. */
struct named_headers {
    bool type, agent, coding;
};

static struct curl_slist *add_headers(struct transfer *transfer, struct curl_slist *list,
                                      struct named_headers *ret_named)
{
    const struct client_request *request = transfer->request;
    *ret_named = (struct named_headers){0};
    for (size_t i = request->header_count; i-- > 0;) {
        const struct http_header *header = &request->headers[i];
        ret_named->type |= str_eq_nocase(header->name, STR("Content-Type"));
        ret_named->agent |= str_eq_nocase(header->name, STR("User-Agent"));
        ret_named->coding |= str_eq_nocase(header->name, STR("Accept-Encoding"));
        struct str value = str_trim(header->value);
        list = add_line(transfer, list, header->name, value.len > 0 ? ": " : ";", value);
    }
    return list;
}

static void set_headers(struct transfer *transfer, CURLcode *rc)
{
    const struct client_request *request = transfer->request;
    struct named_headers named;
    struct curl_slist *list = add_headers(transfer, NULL, &named);
    if (!named.coding && !request->keeps_coding)
        list = add_line(transfer, list, STR("Accept-Encoding"), ": ", STR(CODING_ACCEPTED));
    if (request->source && request->source->length < 0)
        list = add_line(transfer, list, STR("Transfer-Encoding"), ": ", STR("chunked"));
    list = add_line(transfer, list, STR("Expect"), ":", STR_NULL);
    if (!named.type)
        list = add_line(transfer, list, STR("Content-Type"), ":", STR_NULL);
    if (!named.agent)
        SET(CURLOPT_USERAGENT, "headgate/" HEADGATE_VERSION);
    SET(CURLOPT_HTTPHEADER, list);
}

static bool set_options(struct transfer *transfer, const struct client_route *route)
{
    CURLcode code = CURLE_OK, *rc = &code;
    SET(CURLOPT_PRIVATE, transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->curl_words);
    SET(CURLOPT_URL, arena_cstr(transfer->arena, transfer->request->url));
    set_security(transfer, rc);
    set_proxy(transfer, rc);
    set_connection(transfer, route, rc);
    set_method(transfer, rc);
    set_headers(transfer, rc);
    transfer_set_callbacks(transfer, rc);
    return code == CURLE_OK;
}

/* Where a proxy resolves the name, only what the URL itself shows can be checked. */
static bool is_allowed_by_name(struct transfer *transfer, struct client_response *ret_response)
{
    const struct egress *egress = transfer->client->egress;
    int port;
    struct str host = transfer_host(transfer, &port);
    if (transfer->client->sandbox || transfer->request->route ||
        (transfer->proxied ? egress_allows_host(egress, host, port)
                           : !egress_denies_host(egress, host)))
        return true;
    ret_response->outcome = CLIENT_REFUSED;
    ret_response->detail =
        arena_printf(transfer->arena,
                     "connection to %.*s is not allowed by this server's egress policy",
                     STR_ARG(transfer->authority))
            .data;
    return false;
}

bool transfer_prepare(struct transfer *transfer, struct client_response *ret_response)
{
    const struct client *client = transfer->client;
    if (!split_url(transfer->request->url, &transfer->authority, &transfer->tls))
        return refuse(ret_response, "the URL is not an absolute http or https URL without user "
                                    "name, blanks and characters outside of ASCII");
    const char *fault = find_fault(transfer->request);
    if (fault)
        return refuse(ret_response, fault);
    const struct client_route *route = transfer->tls ? &client->tls_route : &client->plain_route;
    if (client->sandbox && route->port == 0) {
        ret_response->outcome = CLIENT_REFUSED;
        ret_response->detail =
            transfer->tls ? "the sandbox has no TLS port" : "the sandbox has no plain port";
        return false;
    }
    transfer->proxied = goes_through_proxy(transfer);
    if (!is_allowed_by_name(transfer, ret_response))
        return false;
    /* A new handle each time: it costs a microsecond, and keeps nothing of the call before. */
    transfer->easy = libcurl_load() ? libcurl.easy_init() : NULL;
    if (!transfer->easy || !set_options(transfer, route)) {
        ret_response->outcome = CLIENT_BROKEN;
        ret_response->detail = "libcurl.so.4 cannot be loaded, or is too old for outbound calls";
        return false;
    }
    return true;
}
