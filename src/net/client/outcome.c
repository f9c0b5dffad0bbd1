/* What came of a transfer, from curl's code, how far it got and what the callbacks saw: an outcome
 * and a sentence without credentials, query or anything that the peer wrote. */
#include "net/client/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <openssl/x509.h>
#include <string.h>

enum { HOST_SHOWN_MAX = 255, CURL_WORDS_MAX = 160 };

enum stage { RESOLVING, CONNECTING, SECURING, WAITING };

static enum stage find_stage(const struct transfer *transfer)
{
    if (transfer->sent > 0)
        return WAITING;
    if (transfer->secured > 0)
        return SECURING;
    return transfer->opened > 0 ? CONNECTING : RESOLVING;
}

/* '@' in the words is replaced by host and port. */
static const char *say(struct transfer *transfer, const char *words, const char *more)
{
    struct str host = transfer->authority, before = str_from(words), after = STR_NULL;
    if (host.len > HOST_SHOWN_MAX)
        host.len = HOST_SHOWN_MAX;
    if (!str_cut(before, '@', &before, &after))
        host.len = 0;
    struct str said = arena_printf(transfer->arena, "%.*s%.*s%.*s", STR_ARG(before), STR_ARG(host),
                                   STR_ARG(after));
    return more ? arena_printf(transfer->arena, "%.*s: %s", STR_ARG(said), more).data : said.data;
}

/* The system's words for a connection that failed; NULL when there are none. */
static const char *system_words(const struct transfer *transfer, char *out, size_t size)
{
    long number = 0;
    libcurl.easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    return number != 0 ? strerror_r((int)number, out, size) : NULL;
}

/* No trusted authority has signed the certificate: it matters which are trusted. */
static bool is_untrusted(long verified)
{
    return verified == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
           verified == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           verified == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
           verified == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           verified == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           verified == X509_V_ERR_CERT_UNTRUSTED || verified == X509_V_ERR_INVALID_CA;
}

static const char *certificate_words(struct transfer *transfer)
{
    const struct trust *trust = &transfer->client->trust;
    long verified = X509_V_OK;
    libcurl.easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    /* curl compares the name itself, before it asks OpenSSL what it thinks of the chain. */
    if (verified == X509_V_OK || verified == X509_V_ERR_UNSPECIFIED)
        return "the certificate is for another name";
    const char *words = X509_verify_cert_error_string(verified);
    if (!is_untrusted(verified) || !trust->origin)
        return words;
    return arena_printf(transfer->arena,
                        "%s (trusted are the authorities in %s; the operator can add one with "
                        "--vendor-ca)",
                        words, trust->origin)
        .data;
}

/* curl's own text may quote the certificate, whose words are the peer's, so it is used only for
 * other failures of the handshake, and cleaned. */
static const char *tls_words(struct transfer *transfer)
{
    if (transfer->code == CURLE_PEER_FAILED_VERIFICATION)
        return certificate_words(transfer);
    char *words = transfer->curl_words;
    words[CURL_WORDS_MAX] = '\0';
    for (char *c = words; *c; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    return words[0] ? words : NULL;
}

static const char *timeout_words(const struct transfer *transfer, enum stage stage)
{
    static const char *const words[] = {
        [RESOLVING] = "timed out looking up @",
        [CONNECTING] = "timed out connecting to @",
        [SECURING] = "timed out in the TLS handshake with @",
        [WAITING] = "timed out waiting for @",
    };
    return transfer->header_bytes > 0 ? "timed out reading the response of @" : words[stage];
}

/* CLIENT_CONNECT_TIMEOUT_MS, which is shorter than most deadlines, has passed. */
static enum client_outcome judge_no_connection(const struct transfer *transfer, enum stage stage,
                                               const char **ret_words)
{
    static const enum client_outcome outcomes[] = {
        [RESOLVING] = CLIENT_RESOLVE,
        [CONNECTING] = CLIENT_CONNECT,
        [SECURING] = CLIENT_TLS,
    };
    *ret_words = timeout_words(transfer, stage);
    return outcomes[stage];
}

static enum client_outcome judge_timeout(const struct transfer *transfer, enum stage stage,
                                         const char **ret_words)
{
    if (stage != WAITING && clock_mono_ms() < transfer->request->deadline_ms)
        return judge_no_connection(transfer, stage, ret_words);
    *ret_words = timeout_words(transfer, stage);
    return CLIENT_TIMEOUT;
}

/* A name without an address, and one whose addresses are not allowed, are the same to the caller:
 * which names exist inside the operator's network is not the caller's to know. */
static enum client_outcome judge_no_address(const struct transfer *transfer, const char **ret_words)
{
    int port;
    struct str host = transfer_host(transfer, &port);
    if (transfer->request->route && transfer->refused == 0) {
        *ret_words = "cannot resolve @";
        return CLIENT_RESOLVE;
    }
    if (transfer->request->route || egress_is_literal(host)) {
        *ret_words = "connection to @ is not allowed by this server's egress policy";
        return CLIENT_REFUSED;
    }
    *ret_words = egress_has_port(transfer->client->egress, port)
                     ? "@ has no address that this server may connect to"
                     : "@ has no address that this server may connect to at this port";
    return CLIENT_RESOLVE;
}

static enum client_outcome judge_connect(const struct transfer *transfer, const char **ret_words)
{
    if (transfer->refused > 0 && transfer->opened == 0)
        return judge_no_address(transfer, ret_words);
    *ret_words = "cannot connect to @";
    return CLIENT_CONNECT;
}

/* What is left after names, connections, TLS, time and limits. Whether the end of a
 * connection shows itself as an end or as an error is chance, so what came before it decides. */
static const char *broken_words(const struct transfer *transfer)
{
    static const char before[] = "@: connection closed before a response was received";
    static const char midway[] = "@: connection closed before the response was complete";
    switch (transfer->code) {
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND: /* a kept connection was dead, and a source gives no byte twice */
        return before;
    case CURLE_PARTIAL_FILE:
        return midway;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return transfer->header_bytes > 0 ? midway : before;
    default:
        return "@: response is not HTTP";
    }
}

static const char *about_proxy(const struct transfer *transfer, const char *before,
                               const char *after)
{
    const struct proxy *proxy = transfer->client->proxy;
    return arena_printf(transfer->arena, "%s the proxy %s:%d%s", before, proxy->host, proxy->port,
                        after)
        .data;
}

/* `status` is what the proxy answered to CONNECT; 0: it did not. */
static const char *refusal_words(const struct transfer *transfer, long status)
{
    switch (status) {
    case 0:
        return about_proxy(transfer, "no HTTP response from", "");
    case 403:
        return about_proxy(transfer, "not allowed by", " (HTTP 403)");
    case 407:
        return transfer->client->proxy->user[0]
                   ? about_proxy(transfer, "user and password of --proxy not accepted by", "")
                   : about_proxy(transfer, "user and password needed by", "");
    default:
        return about_proxy(transfer, "no tunnel through",
                           arena_printf(transfer->arena, ", which answered HTTP %ld", status).data);
    }
}

/* Up to the TLS handshake all that fails is the proxy's: the vendor was not heard of yet. */
static const char *proxy_words(struct transfer *transfer)
{
    char room[128];
    const char *reason;
    long status = 0;
    libcurl.easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    switch (transfer->code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
        return about_proxy(transfer, "cannot resolve", "");
    case CURLE_OPERATION_TIMEDOUT:
        return about_proxy(transfer, "timed out waiting for", "");
    case CURLE_COULDNT_CONNECT:
        if (transfer->opened == 0)
            return about_proxy(transfer, "the egress policy allows no address of", "");
        reason = system_words(transfer, room, sizeof(room));
        return about_proxy(transfer, "cannot connect to",
                           reason ? arena_printf(transfer->arena, ": %s", reason).data : "");
    default:
        return refusal_words(transfer, status);
    }
}

static enum client_outcome judge_failure(struct transfer *transfer, enum stage stage,
                                         const char **ret_words, const char **ret_more, char *room,
                                         size_t room_size)
{
    enum client_outcome outcome;
    if (transfer->proxied && stage < SECURING && transfer->code != CURLE_URL_MALFORMAT) {
        *ret_words = "@ was not reached";
        *ret_more = proxy_words(transfer);
        return CLIENT_PROXY;
    }
    switch (transfer->code) {
    case CURLE_URL_MALFORMAT:
        *ret_words = "invalid host or path in a URL of @";
        return CLIENT_BAD_URL;
    case CURLE_COULDNT_RESOLVE_HOST:
        return judge_no_address(transfer, ret_words);
    case CURLE_COULDNT_CONNECT:
        outcome = judge_connect(transfer, ret_words);
        if (outcome == CLIENT_CONNECT)
            *ret_more = system_words(transfer, room, room_size);
        return outcome;
    case CURLE_OPERATION_TIMEDOUT:
        return judge_timeout(transfer, stage, ret_words);
    default:
        if (stage == SECURING || stage == CONNECTING) {
            *ret_words = "TLS handshake with @ failed";
            *ret_more = tls_words(transfer);
            return CLIENT_TLS;
        }
        *ret_words = broken_words(transfer);
        return CLIENT_BROKEN;
    }
}

/* Before TLS is there, all failures at an address inside the operator's network are one to the
 * caller, so that an open port looks like a closed one; the log has the reason. What is wrong with
 * a certificate is said: it is that of a server for TLS. */
static bool is_kept_back(const struct transfer *transfer, enum stage stage,
                         enum client_outcome outcome)
{
    return transfer->internal && transfer->tls && stage < WAITING &&
           transfer->code != CURLE_PEER_FAILED_VERIFICATION &&
           (outcome == CLIENT_CONNECT || outcome == CLIENT_TLS || outcome == CLIENT_TIMEOUT ||
            outcome == CLIENT_BROKEN);
}

static enum client_outcome keep_back(struct transfer *transfer, const char **ret_detail)
{
    log_info("Internal address: %s.", *ret_detail);
    *ret_detail = say(transfer, "no TLS connection to @", NULL);
    return CLIENT_CONNECT;
}

static enum client_outcome judge(struct transfer *transfer, enum stage stage,
                                 const char **ret_detail)
{
    const char *words = NULL, *more = NULL;
    char room[128];
    enum client_outcome outcome;
    if (transfer->stopped) {
        *ret_detail = "the server is stopping";
        return CLIENT_STOPPED;
    }
    if (transfer->own_outcome != CLIENT_OK) {
        outcome = transfer->own_outcome;
        words = transfer->own_words;
    } else if (transfer->code != CURLE_OK) {
        outcome = judge_failure(transfer, stage, &words, &more, room, sizeof(room));
    } else if (!transfer->head_ended) { /* curl is content with a head that just stops */
        outcome = CLIENT_BROKEN;
        words = transfer->status == 101 ? "@: response switches to another protocol (HTTP 101)"
                                        : "@: connection closed before the response was complete";
    } else {
        return CLIENT_OK;
    }
    *ret_detail = say(transfer, words, more);
    return is_kept_back(transfer, stage, outcome) ? keep_back(transfer, ret_detail) : outcome;
}

/* --- times --- */

static int64_t time_of(const struct transfer *transfer, CURLINFO info)
{
    curl_off_t us = 0;
    libcurl.easy_getinfo(transfer->easy, info, &us);
    return us;
}

/* At least 1, so that a part that was too quick to measure still counts as done. */
static int64_t between(int64_t from_us, int64_t to_us)
{
    return to_us > from_us ? to_us - from_us : 1;
}

/* CLIENT_CONNECT is said of all failures before TLS at an address inside the operator's network:
 * the times must not tell them apart either, so connecting has the same time in each. */
static void take_times(const struct transfer *transfer, enum stage stage,
                       struct client_response *ret_response)
{
    struct client_times *times = &ret_response->times;
    bool is_connect = ret_response->outcome == CLIENT_CONNECT;
    bool is_hidden = is_connect && transfer->internal && transfer->tls;
    if (stage > CONNECTING && is_connect)
        stage = CONNECTING;
    int64_t end_us = is_hidden ? 0 : time_of(transfer, CURLINFO_TOTAL_TIME_T), begun_us = 0;
    const struct {
        enum stage stage;
        int64_t *part;
        CURLINFO until;
    } parts[] = {
        {RESOLVING, &times->resolve_us, CURLINFO_NAMELOOKUP_TIME_T},
        {CONNECTING, &times->connect_us, CURLINFO_CONNECT_TIME_T},
        {SECURING, &times->tls_us, CURLINFO_APPCONNECT_TIME_T},
    };
    for (size_t i = 0; !ret_response->reused && i < sizeof(parts) / sizeof(*parts); i++) {
        bool passed = stage > parts[i].stage;
        if (stage < parts[i].stage || (parts[i].stage == SECURING && !transfer->tls))
            break;
        int64_t until_us = passed ? time_of(transfer, parts[i].until) : end_us;
        *parts[i].part = between(begun_us, until_us);
        begun_us = until_us > begun_us ? until_us : begun_us;
    }
    if (stage == WAITING)
        times->exchange_us = between(begun_us, end_us);
}

/* How a call got its connection. */
enum { CALL_NEW, CALL_REUSED, CALL_NONE, CALL_CONNECTIONS };

static const char *const connection_names[CALL_CONNECTIONS] = {
    [CALL_NEW] = "new", [CALL_REUSED] = "reused", [CALL_NONE] = "none"};

const struct metric metric_client_calls = {
    "headgate_client_calls_total",
    "Outbound calls by connection: new, reused, or none because none could be had.",
    .labels = {{"connection", CALL_CONNECTIONS, connection_names, NULL}},
    METRIC_SERIES(CALL_CONNECTIONS),
};

void client_count(const struct client_response *response)
{
    metrics_count(&metric_client_calls,
                  response->reused      ? CALL_REUSED
                  : response->connected ? CALL_NEW
                                        : CALL_NONE,
                  0);
}

void transfer_judge(struct transfer *transfer, struct client_response *ret_response)
{
    long new_connections = 1;
    enum stage stage = find_stage(transfer);
    ret_response->outcome = judge(transfer, stage, &ret_response->detail);
    ret_response->connected = stage == SECURING || stage == WAITING;
    ret_response->sent = transfer->sent > 0;
    transfer->kept_was_dead |= transfer->code == CURLE_SEND_FAIL_REWIND;
    libcurl.easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &new_connections);
    ret_response->reused = transfer->kept_was_dead || (transfer->sent > 0 && new_connections == 0);
    take_times(transfer, stage, ret_response);
    client_count(ret_response);
    if (ret_response->outcome != CLIENT_OK)
        return;
    if (transfer->stream) { /* what the client's thread collected goes with the stream */
        transfer_copy_head(transfer, ret_response);
        ret_response->body = arena_copy(transfer->arena, buf_str(&transfer->body));
    } else {
        ret_response->status = transfer->status;
        ret_response->headers = transfer->headers;
        ret_response->header_count = transfer->header_count;
        ret_response->body = buf_str(&transfer->body);
    }
    if (transfer->request->sink)
        ret_response->body = STR_NULL;
}
