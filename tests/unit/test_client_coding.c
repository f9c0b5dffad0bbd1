/* Responses with a content coding: asked for, decoded within limits, or refused. */
#include "client_fixture.h"

#include "base/buf.h"

#include <zlib.h>

enum { MIB = 1024 * 1024, GZIP = 16 + MAX_WBITS, ZLIB = MAX_WBITS, RAW = -MAX_WBITS };

/* --- a peer that compresses --- */

struct answer {
    const char *headers; /* lines */
    struct str body;
    size_t piece; /* bytes a write; 0: all at once */
};

static void serve_answer(struct peer_connection *c)
{
    const struct answer *answer = c->context;
    char head[256];
    while (peer_read(c)) {
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %zu\r\n\r\n",
                 answer->headers, answer->body.len);
        peer_write(c, str_from(head));
        size_t piece = answer->piece > 0 ? answer->piece : answer->body.len;
        for (size_t at = 0; at < answer->body.len; at += piece) {
            size_t left = answer->body.len - at;
            peer_write(c, (struct str){answer->body.data + at, left < piece ? left : piece});
        }
    }
}

static struct str compress_as(struct arena *arena, int format, struct str text)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, format, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, text.len);
    char *out = arena_alloc(arena, room);
    z.next_in = (unsigned char *)text.data;
    z.avail_in = (unsigned)text.len;
    z.next_out = (unsigned char *)out;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    struct str made = {out, room - z.avail_out};
    deflateEnd(&z);
    return made;
}

/* Lines like a vendor's, which compress as JSON does; each is another one. */
static struct str records(struct arena *arena, size_t count)
{
    struct buf text = buf_in(arena, 64 * MIB);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "{\"Id\":\"%016zx\",\"Name\":\"Acme %zu\",\"Active\":true}\n",
                   i * 2654435761U, i);
    return buf_str(&text);
}

static struct str joined(struct arena *arena, struct str a, struct str b)
{
    struct buf both = buf_in(arena, a.len + b.len);
    buf_add(&both, a);
    buf_add(&both, b);
    return buf_str(&both);
}

static void open_answer(struct fixture *f, struct answer *answer, const char *headers,
                        struct str body, size_t piece)
{
    *answer = (struct answer){headers, body, piece};
    open_plain(f, serve_answer, answer);
}

/* The peer's answer, read into memory. */
static void get_answer(struct fixture *f, const char *headers, struct str body, size_t piece)
{
    static struct answer answer; /* read by the peer's thread as long as it runs */
    if (f->peer) {
        client_free(f->client);
        peer_stop(f->peer);
        egress_free(f->egress);
    }
    open_answer(f, &answer, headers, body, piece);
    get(f, "/");
}

static void known_codings_are_decoded(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct str text = records(&f.arena, 5000);
    const struct {
        const char *headers;
        struct str body;
    } cases[] = {
        {"Content-Encoding: gzip", compress_as(&f.arena, GZIP, text)},
        {"content-encoding: GZip", compress_as(&f.arena, GZIP, text)},
        {"Content-Encoding: x-gzip", compress_as(&f.arena, GZIP, text)},
        {"Content-Encoding: deflate", compress_as(&f.arena, ZLIB, text)},
        {"Content-Encoding: deflate", compress_as(&f.arena, RAW, text)},
        {"Content-Encoding: identity", text},
        {"Content-Encoding:", text},
        {"Content-Encoding: identity\r\nContent-Encoding: gzip", compress_as(&f.arena, GZIP, text)},
        {"Content-Encoding: gzip",
         joined(&f.arena, compress_as(&f.arena, GZIP, (struct str){text.data, 1000}),
                compress_as(&f.arena, GZIP, (struct str){text.data + 1000, text.len - 1000}))},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        get_answer(&f, cases[i].headers, cases[i].body, i % 2 ? 777 : 0);
        assert_outcome(&f, CLIENT_OK);
        if (!str_eq(f.response.body, text))
            fail_msg("case %zu: %zu bytes instead of %zu", i, f.response.body.len, text.len);
    }
    get_answer(&f, "Content-Encoding: gzip", compress_as(&f.arena, GZIP, STR("")), 1);
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(f.response.body.len, 0);
    get_answer(&f, "Content-Encoding: gzip", STR(""), 0);
    assert_outcome(&f, CLIENT_OK);
    close_all(&f);
}

static void other_codings_are_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "Content-Encoding: br",
        "Content-Encoding: zstd",
        "Content-Encoding: gzip, gzip",
        "Content-Encoding: gzip\r\nContent-Encoding: deflate",
        "Content-Encoding: aws-chunked, x",
    };
    struct fixture f = {0};
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        get_answer(&f, headers[i], STR("something"), 0);
        assert_outcome(&f, CLIENT_BROKEN);
        assert_detail(&f, "127.0.0.1: response has a content coding other than gzip, deflate, "
                          "which were asked for");
    }
    get_answer(&f, "Content-Encoding: br", STR(""), 0); /* no byte, no coding */
    assert_outcome(&f, CLIENT_OK);
    close_all(&f);
}

static void damaged_bodies_are_refused(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct str whole = compress_as(&f.arena, GZIP, records(&f.arena, 100));
    struct str short_of_its_end = {whole.data, whole.len - 1};
    char *flipped = arena_alloc(&f.arena, whole.len);
    memcpy(flipped, whole.data, whole.len);
    flipped[whole.len - 6] ^= 1; /* in the check sum */
    static const char corrupt[] = "127.0.0.1: compressed response is corrupt";
    get_answer(&f, "Content-Encoding: gzip", STR("plain text"), 0);
    assert_outcome(&f, CLIENT_BROKEN);
    assert_detail(&f, corrupt);
    get_answer(&f, "Content-Encoding: deflate", STR("plain text"), 0);
    assert_outcome(&f, CLIENT_BROKEN);
    get_answer(&f, "Content-Encoding: gzip", (struct str){flipped, whole.len}, 0);
    assert_outcome(&f, CLIENT_BROKEN);
    assert_detail(&f, corrupt);
    get_answer(&f, "Content-Encoding: gzip", joined(&f.arena, whole, STR("rest")), 0);
    assert_outcome(&f, CLIENT_BROKEN);
    get_answer(&f, "Content-Encoding: gzip", short_of_its_end, 0);
    assert_outcome(&f, CLIENT_BROKEN);
    assert_detail(&f, "127.0.0.1: compressed response is incomplete");
    close_all(&f);
}

/* --- limits --- */

static void decoded_bodies_have_the_limit(void **state)
{
    (void)state;
    struct fixture f = {0};
    char *zeros = arena_alloc(&f.arena, CLIENT_BODY_MAX + 1); /* ratio 1,000 */
    struct str exact = {zeros, CLIENT_BODY_MAX}, more = {zeros, CLIENT_BODY_MAX + 1};
    get_answer(&f, "Content-Encoding: gzip", compress_as(&f.arena, GZIP, exact), 0);
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(f.response.body.len, CLIENT_BODY_MAX);
    get_answer(&f, "Content-Encoding: gzip", compress_as(&f.arena, GZIP, more), 0);
    assert_outcome(&f, CLIENT_TOO_LARGE);
    assert_detail(&f, "127.0.0.1: response exceeds the size limit");
    close_all(&f);
}

struct taken {
    struct str expected;
    size_t len;
    size_t largest;
    bool wrong;
};

static bool take(void *context, struct str bytes)
{
    struct taken *taken = context;
    if (taken->expected.data)
        taken->wrong |= taken->len + bytes.len > taken->expected.len ||
                        memcmp(taken->expected.data + taken->len, bytes.data, bytes.len) != 0;
    taken->len += bytes.len;
    taken->largest = bytes.len > taken->largest ? bytes.len : taken->largest;
    return true;
}

static void stream_answer(struct fixture *f, struct taken *taken, bool keeps_coding)
{
    struct client_sink sink = {.push = take, .context = taken};
    struct client_request request = {.method = STR("GET"),
                                     .url = url_of(f, "http", "127.0.0.1", "/"),
                                     .sink = &sink,
                                     .keeps_coding = keeps_coding,
                                     .deadline_ms = clock_mono_ms() + LONG_MS};
    client_call(f->client, &f->arena, &request, &f->response);
}

static void streams_are_decoded_in_pieces(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct answer answer;
    struct taken taken = {.expected = records(&f.arena, 300000)};
    open_answer(&f, &answer, "Content-Encoding: gzip", compress_as(&f.arena, GZIP, taken.expected),
                5000);
    stream_answer(&f, &taken, false);
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(taken.len, taken.expected.len);
    assert_false(taken.wrong);
    assert_in_range(taken.largest, 1, 64 * 1024);
    struct taken coded = {.expected = answer.body};
    stream_answer(&f, &coded, true);
    assert_outcome(&f, CLIENT_OK);
    assert_int_equal(coded.len, answer.body.len);
    assert_false(coded.wrong);
    close_all(&f);
}

static void a_bomb_is_stopped(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct answer answer;
    struct taken taken = {0};
    struct str zeros = {arena_alloc(&f.arena, 64 * MIB), 64 * MIB};
    open_answer(&f, &answer, "Content-Encoding: gzip", compress_as(&f.arena, GZIP, zeros), 0);
    assert_in_range(answer.body.len, 1, 128 * 1024);
    stream_answer(&f, &taken, false);
    assert_outcome(&f, CLIENT_TOO_LARGE);
    assert_detail(&f, "127.0.0.1: compressed response exceeds the limit on its decoded size");
    assert_in_range(taken.len, 1, CLIENT_BODY_MAX + 128 * 1024 * CLIENT_DECODED_RATIO_MAX);
    close_all(&f);
}

static void a_damaged_stream_ends_the_call(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str text = records(&arena, 30000), whole = compress_as(&arena, GZIP, text);
    const struct {
        const char *headers;
        struct str body;
        const char *detail; /* NULL: any */
    } cases[] = {
        {"Content-Encoding: gzip",
         {whole.data, whole.len - 8},
         "127.0.0.1: compressed response is incomplete"},
        {"Content-Encoding: gzip", joined(&arena, (struct str){whole.data, whole.len / 2}, whole),
         "127.0.0.1: compressed response is corrupt"},
        {"Content-Encoding: br", whole, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct fixture f = {0}; /* with a peer of its own, whose thread reads the answer */
        struct answer answer;
        struct taken taken = {.expected = text};
        open_answer(&f, &answer, cases[i].headers, cases[i].body, 5000);
        stream_answer(&f, &taken, false);
        assert_outcome(&f, CLIENT_BROKEN);
        if (cases[i].detail)
            assert_detail(&f, cases[i].detail);
        close_all(&f);
    }
    arena_done(&arena);
}

/* --- what is asked for --- */

static void serve_accept(struct peer_connection *c)
{
    while (peer_read(c)) {
        const char *header = strstr(c->request, "\r\nAccept-Encoding: ");
        const char *value = header ? header + 19 : "none";
        int len = header ? (int)strcspn(value, "\r") : 4;
        char answer[128];
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%.*s", len,
                 len, value);
        assert_null(header ? strstr(header + 1, "\r\nAccept-Encoding: ") : NULL);
        peer_write(c, str_from(answer));
    }
}

static void codings_are_asked_for(void **state)
{
    (void)state;
    static const struct http_header own[] = {{STR("accept-encoding"), STR("identity")}};
    struct fixture f = {0};
    open_plain(&f, serve_accept, NULL);
    struct client_request request = {.method = STR("GET"),
                                     .url = url_of(&f, "http", "127.0.0.1", "/"),
                                     .deadline_ms = clock_mono_ms() + LONG_MS};
    client_call(f.client, &f.arena, &request, &f.response);
    assert_str(f.response.body, "gzip, deflate");
    request.keeps_coding = true;
    client_call(f.client, &f.arena, &request, &f.response);
    assert_str(f.response.body, "none");
    request = (struct client_request){.method = STR("GET"),
                                      .url = request.url,
                                      .headers = own,
                                      .header_count = 1,
                                      .deadline_ms = request.deadline_ms};
    client_call(f.client, &f.arena, &request, &f.response);
    assert_str(f.response.body, "none"); /* the peer looks for ours, in its spelling */
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_codings_are_decoded),
        cmocka_unit_test(other_codings_are_refused),
        cmocka_unit_test(damaged_bodies_are_refused),
        cmocka_unit_test(decoded_bodies_have_the_limit),
        cmocka_unit_test(streams_are_decoded_in_pieces),
        cmocka_unit_test(a_bomb_is_stopped),
        cmocka_unit_test(a_damaged_stream_ends_the_call),
        cmocka_unit_test(codings_are_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
