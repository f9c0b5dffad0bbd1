/* Asks the sandbox over sockets. */
#include "cmocka_all.h"

#include "sandbox_asker.h"

#include "wire/restjson.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 8 * 1024 * 1024, WAIT_S = 20 };

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval wait = {.tv_sec = WAIT_S};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static struct str request_text(struct arena *arena, const char *host, const char *head,
                               const char *body)
{
    return arena_printf(arena,
                        "%s\r\nHost: %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                        head, host, strlen(body), body);
}

/* Reads through `read_some` to the end: 0 at the end, negative when the connection broke. */
static struct str read_all(struct arena *arena, ssize_t (*read_some)(void *from, char *, size_t),
                           void *from, bool *ret_broken)
{
    struct buf all = buf_in(arena, ANSWER_MAX);
    static _Thread_local char piece[64 * 1024];
    ssize_t size;
    while ((size = read_some(from, piece, sizeof(piece))) > 0)
        buf_add(&all, (struct str){piece, (size_t)size});
    assert_false(all.overflow);
    *ret_broken = size < 0;
    return buf_str(&all);
}

struct str answer_header(const struct asker_answer *answer, const char *name)
{
    struct str line, rest = answer->head, found, value;
    while (str_cut(rest, '\n', &line, &rest))
        if (str_cut(line, ':', &found, &value) && str_eq_nocase(found, str_from(name)))
            return str_trim((struct str){value.data, value.len - 1});
    return STR_NULL;
}

static struct asker_answer take_apart(struct str all, bool broken)
{
    struct asker_answer answer = {.reset = broken};
    const char *end = all.len ? memmem(all.data, all.len, "\r\n\r\n", 4) : NULL;
    if (!end || all.len < 12)
        return answer;
    size_t head_len = (size_t)(end - all.data) + 2;
    answer.head = (struct str){all.data, head_len};
    answer.body = (struct str){all.data + head_len + 2, all.len - head_len - 2};
    answer.status = atoi(all.data + sizeof("HTTP/1.1 ") - 1);
    unsigned long long announced;
    if (str_to_u64(answer_header(&answer, "Content-Length"), ANSWER_MAX, &announced))
        answer.reset = answer.body.len < announced;
    return answer;
}

static ssize_t read_plain(void *from, char *out, size_t size)
{
    return recv(*(int *)from, out, size, 0);
}

static void send_plain(int fd, struct str text)
{
    assert_int_equal(send(fd, text.data, text.len, MSG_NOSIGNAL), (ssize_t)text.len);
}

struct asker_answer ask(const struct sandbox *sandbox, struct arena *arena, const char *host,
                        const char *head, const char *body)
{
    bool broken;
    int fd = connect_to(sandbox_http_port(sandbox));
    send_plain(fd, request_text(arena, host, head, body));
    struct str all = read_all(arena, read_plain, &fd, &broken);
    close(fd);
    return take_apart(all, broken);
}

int ask_only(const struct sandbox *sandbox, struct arena *arena, const char *host, const char *head)
{
    int fd = connect_to(sandbox_http_port(sandbox));
    send_plain(fd, request_text(arena, host, head, ""));
    return fd;
}

struct asker_answer ask_token(const struct sandbox *sandbox, struct arena *arena, const char *host,
                              const char *path, const char *form)
{
    struct str head = arena_printf(
        arena, "POST %s HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded", path);
    return ask(sandbox, arena, host, head.data, form);
}

static ssize_t read_tls(void *from, char *out, size_t size)
{
    int got = SSL_read(from, out, (int)size);
    return got > 0 ? got : SSL_get_error(from, got) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static SSL_CTX *trusting(struct str ca_pem)
{
    BIO *bio = BIO_new_mem_buf(ca_pem.data, (int)ca_pem.len);
    X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(ca);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    X509_free(ca);
    BIO_free(bio);
    return context;
}

struct asker_answer ask_tls(const struct sandbox *sandbox, struct arena *arena, struct str ca_pem,
                            const char *host, const char *head)
{
    bool broken;
    struct asker_answer answer = {0};
    int fd = connect_to(sandbox_tls_port(sandbox));
    SSL_CTX *context = trusting(ca_pem);
    SSL *ssl = SSL_new(context);
    SSL_set_tlsext_host_name(ssl, host);
    SSL_set1_host(ssl, host);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) == 1) {
        struct str text = request_text(arena, host, head, "");
        assert_int_equal(SSL_write(ssl, text.data, (int)text.len), (int)text.len);
        struct str all = read_all(arena, read_tls, ssl, &broken);
        answer = take_apart(all, broken);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    return answer;
}

struct str answer_text(struct arena *arena, const struct asker_answer *answer, const char *name)
{
    struct value *json;
    assert_true(json_parse(answer->body, arena, &json));
    struct str text = value_text(json, name);
    if (!text.data)
        fail_msg("no %s in %.*s", name, STR_ARG(answer->body));
    return text;
}
