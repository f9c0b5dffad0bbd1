/* Objects as streams from a peer that breaks off, resets, is busy, or sends what was not asked
 * for. */
#include "client_fixture.h"

#include "aws/s3.h"
#include "wire/errors.h"

/* More than the client's buffers hold, so that the sink has some of it whenever it breaks off. */
enum { OBJECT_SIZE = 4 * CLIENT_RING_SIZE, FIRST_SIZE = 3 * CLIENT_RING_SIZE };

struct stream {
    struct fixture f;
    struct secret *secret;
    struct aws_access access;
    struct s3 s3;
    struct buf got;
    size_t limit; /* bytes that the sink wants; 0: all */
    uint64_t size;
    size_t slow_at; /* bytes after which the sink takes longer than SHORT_MS; 0: none */
    bool is_to_end;
    struct error error;
};

static bool on_head(void *context, const struct s3_facts *facts)
{
    ((struct stream *)context)->size = facts->size;
    return true;
}

static bool on_push(void *context, struct str bytes)
{
    struct stream *stream = context;
    buf_add(&stream->got, bytes);
    if (stream->slow_at > 0 && stream->got.len >= stream->slow_at) {
        clock_nap_us((int64_t)1000 * 2 * SHORT_MS);
        stream->slow_at = 0;
    }
    return stream->limit == 0 || stream->got.len < stream->limit;
}

static void open_stream(struct stream *stream, peer_serve *serve)
{
    *stream =
        (struct stream){.secret = secret_new(STR("secret")), .got = buf_on_heap(2 * OBJECT_SIZE)};
    open_plain(&stream->f, serve, NULL);
    stream->access = (struct aws_access){.client = stream->f.client,
                                         .access_key_id = STR("AKID"),
                                         .secret_access_key = stream->secret};
    stream->s3 = (struct s3){.access = &stream->access,
                             .url = url_of(&stream->f, "http", "127.0.0.1", ""),
                             .region = STR("us-east-1"),
                             .deadline_ms = clock_mono_ms() + LONG_MS,
                             .first_pause_ms = 1};
}

static void open_stream_with(struct stream *stream, peer_serve *serve, void *context)
{
    open_stream(stream, serve_ok);
    peer_stop(stream->f.peer);
    stream->f.peer = peer_start(serve, context, NULL, NULL);
    stream->s3.url = url_of(&stream->f, "http", "127.0.0.1", "");
}

static void close_stream(struct stream *stream)
{
    close_all(&stream->f);
    secret_free(stream->secret);
    buf_done(&stream->got);
}

static bool read_object(struct stream *stream, const struct s3_range *range)
{
    const struct s3_place place = {STR("bucket"), STR("key")};
    const struct s3_sink sink = {.head = on_head, .push = on_push, .context = stream};
    return s3_get(&stream->s3, &place, range, &sink, &stream->f.arena, &stream->error);
}

static void assert_got(const struct stream *stream, const char *text)
{
    assert_str(buf_str(&stream->got), text);
}

#define HEAD(status, more) "HTTP/1.1 " status "\r\nETag: \"e\"\r\n" more "\r\n"

static char byte_at(size_t at)
{
    return (char)('a' + at % 23);
}

static bool write_object(struct peer_connection *c, size_t from, size_t to)
{
    char block[4096];
    while (from < to) {
        size_t size = to - from < sizeof(block) ? to - from : sizeof(block);
        for (size_t i = 0; i < size; i++)
            block[i] = byte_at(from + i);
        if (!peer_write(c, (struct str){block, size}))
            return false;
        from += size;
    }
    return true;
}

/* The rest of the object, if it is asked for as it must be. */
static bool write_rest(struct peer_connection *c)
{
    char head[256];
    const char *range = strstr(c->request, "Range: bytes=");
    size_t from = range ? strtoul(range + strlen("Range: bytes="), NULL, 10) : 0;
    if (from == 0 || from >= OBJECT_SIZE || !strstr(c->request, "If-Match: \"e\"\r\n"))
        return peer_write(c, STR(HEAD("400 Bad", "Content-Length: 0\r\n")));
    snprintf(head, sizeof(head),
             "HTTP/1.1 206 OK\r\nContent-Range: bytes %zu-%d/%d\r\nContent-Length: %zu\r\n\r\n",
             from, OBJECT_SIZE - 1, OBJECT_SIZE, OBJECT_SIZE - from);
    return peer_write(c, str_from(head)) && write_object(c, from, OBJECT_SIZE);
}

static bool write_first(struct peer_connection *c)
{
    char head[128];
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: %d\r\n\r\n",
             OBJECT_SIZE);
    return peer_write(c, str_from(head)) && write_object(c, 0, FIRST_SIZE);
}

/* Most of it and an end; a reset; busy; the rest. */
static void serve_pieces(struct peer_connection *c)
{
    while (peer_read(c)) {
        switch (peer_requests(c->peer)) {
        case 1:
            (void)write_first(c); /* the connection may be closed by then */
            return;
        case 2:
            peer_reset_at_end(c);
            return;
        case 3:
            peer_write(
                c, STR(HEAD(
                       "503 Slow",
                       "Content-Length: 45\r\n") "<Error><Code>SlowDown</Code><x></x></Error>  "));
            break;
        default:
            if (!write_rest(c))
                return;
        }
    }
}

static void assert_begins_object(const struct stream *stream)
{
    for (size_t i = 0; i < stream->got.len; i++) {
        if (stream->got.data[i] != byte_at(i))
            fail_msg("byte %zu of %zu is another", i, stream->got.len);
    }
}

static void a_broken_stream_is_continued(void **unused)
{
    (void)unused;
    struct stream stream;
    open_stream(&stream, serve_pieces);
    if (!read_object(&stream, NULL))
        fail_msg("%s", stream.error.message);
    assert_int_equal(stream.got.len, OBJECT_SIZE);
    assert_begins_object(&stream);
    assert_int_equal(stream.size, OBJECT_SIZE);
    assert_int_equal(peer_requests(stream.f.peer), 4);
    close_stream(&stream);
}

/* Most of it and then nothing; the rest, if it is asked for with the second credentials. */
static void serve_until_it_stalls(struct peer_connection *c)
{
    while (peer_read(c)) {
        if (peer_requests(c->peer) == 1) {
            if (write_first(c))
                peer_wait_for_end(c);
            return;
        }
        bool renewed = strstr(c->request, "Credential=RENEWED/") != NULL;
        if (!renewed || !write_rest(c))
            return;
    }
}

static bool renew(void *context, struct error *error)
{
    struct stream *stream = context;
    if (stream->is_to_end)
        return fail(error, ERR_UNAVAILABLE, "The run is to end.");
    stream->access.access_key_id = STR("RENEWED");
    stream->s3.deadline_ms = clock_mono_ms() + LONG_MS;
    return true;
}

static void open_renewed(struct stream *stream, peer_serve *serve)
{
    open_stream(stream, serve);
    stream->s3.deadline_ms = clock_mono_ms() + SHORT_MS;
    stream->s3.renew = renew;
    stream->s3.context = stream;
}

/* It is past its deadline when it has taken what came: its own time is not the service's. */
static void a_slow_stream_is_continued_with_other_credentials(void **unused)
{
    (void)unused;
    struct stream stream;
    open_renewed(&stream, serve_until_it_stalls);
    stream.slow_at = FIRST_SIZE;
    if (!read_object(&stream, NULL))
        fail_msg("%s", stream.error.message);
    assert_int_equal(stream.got.len, OBJECT_SIZE);
    assert_begins_object(&stream);
    assert_true(peer_requests(stream.f.peer) >= 2);
    close_stream(&stream);
}

static void a_stream_ends_that_is_not_to_continue(void **unused)
{
    (void)unused;
    struct stream stream;
    open_renewed(&stream, serve_until_it_stalls);
    stream.is_to_end = true;
    assert_false(read_object(&stream, NULL));
    assert_string_equal(stream.error.message, "The run is to end.");
    assert_int_equal(peer_requests(stream.f.peer), 1);
    close_stream(&stream);
}

/* All bytes, and no last chunk. */
static void serve_without_end(struct peer_connection *c)
{
    if (peer_read(c) &&
        peer_write(c, STR(HEAD("206 OK", "Content-Range: bytes 0-4/5\r\n"
                                         "Transfer-Encoding: chunked\r\n") "5\r\nhello\r\n")))
        peer_wait_for_end(c);
}

static void nothing_is_asked_for_behind_the_last_byte(void **unused)
{
    (void)unused;
    struct stream stream;
    open_renewed(&stream, serve_without_end);
    if (!read_object(&stream, NULL))
        fail_msg("%s", stream.error.message);
    assert_got(&stream, "hello");
    assert_int_equal(peer_requests(stream.f.peer), 1);
    close_stream(&stream);
}

/* As servers do that do not heed If-Match: the rest of another object. */
static const struct {
    const char *etag;
    int size;
} other_rests[] = {{"f", OBJECT_SIZE}, {"e", OBJECT_SIZE + 1}};

static void serve_another(struct peer_connection *c)
{
    char head[256];
    while (peer_read(c)) {
        if (peer_requests(c->peer) == 1) {
            (void)write_first(c); /* as above */
            return;
        }
        size_t row = *(size_t *)c->context;
        const char *range = strstr(c->request, "Range: bytes=");
        size_t from = range ? strtoul(range + strlen("Range: bytes="), NULL, 10) : 0;
        snprintf(head, sizeof(head),
                 "HTTP/1.1 206 OK\r\nETag: \"%s\"\r\nContent-Range: bytes %zu-%d/%d\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 other_rests[row].etag, from, OBJECT_SIZE - 1, other_rests[row].size,
                 OBJECT_SIZE - from);
        if (!peer_write(c, str_from(head)) || !write_object(c, from, OBJECT_SIZE))
            return;
    }
}

static void the_rest_of_another_object_is_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(other_rests) / sizeof(*other_rests); i++) {
        struct stream stream;
        open_stream_with(&stream, serve_another, &i);
        assert_false(read_object(&stream, NULL));
        assert_int_equal(stream.error.code, ERR_CONFLICT);
        assert_true(stream.got.len <= FIRST_SIZE);
        close_stream(&stream);
    }
}

static void serve_changed(struct peer_connection *c)
{
    while (peer_read(c)) {
        if (peer_requests(c->peer) == 1) {
            (void)write_first(c); /* as above */
            return;
        }
        peer_write(
            c, STR(HEAD(
                   "412 Changed",
                   "Content-Length: 49\r\n") "<Error><Code>PreconditionFailed</Code></Error>   "));
    }
}

static void an_object_that_changed_meanwhile_is_not_mixed(void **unused)
{
    (void)unused;
    struct stream stream;
    open_stream(&stream, serve_changed);
    assert_false(read_object(&stream, NULL));
    assert_int_equal(stream.error.code, ERR_CONFLICT);
    assert_non_null(strstr(stream.error.message, "was replaced while it was read"));
    assert_true(stream.got.len > 0 && stream.got.len <= FIRST_SIZE);
    assert_begins_object(&stream);
    close_stream(&stream);
}

/* Each answers a request for the bytes 2 to 4. */
static const char *const wrong_answers[] = {
    HEAD("200 OK", "Content-Length: 10\r\n") "0123456789",
    HEAD("206 OK", "Content-Length: 3\r\nContent-Range: bytes 0-2/10\r\n") "012",
    HEAD("206 OK", "Content-Length: 3\r\n") "234",
    HEAD("206 OK", "Content-Length: 5\r\nContent-Range: bytes 2-6/10\r\n") "23456",
    HEAD("206 OK", "Content-Length: 2\r\nContent-Range: bytes 2-3/10\r\n") "23",
};

static void serve_wrong(struct peer_connection *c)
{
    while (peer_read(c))
        peer_write(c, str_from(wrong_answers[c->context ? *(size_t *)c->context : 0]));
}

static void other_bytes_than_asked_for_are_refused(void **unused)
{
    (void)unused;
    const struct s3_range range = {.first = 2, .length = 3};
    for (size_t i = 0; i < sizeof(wrong_answers) / sizeof(*wrong_answers); i++) {
        struct stream stream;
        open_stream_with(&stream, serve_wrong, &i);
        assert_false(read_object(&stream, &range));
        if (stream.error.code != ERR_CONNECTOR_SERVER)
            fail_msg("answer %zu: %s", i, stream.error.message);
        close_stream(&stream);
    }
}

static void serve_right(struct peer_connection *c)
{
    while (peer_read(c))
        peer_write(c, STR(HEAD("206 OK", "Content-Length: 3\r\n"
                                         "Content-Range: bytes 2-4/10\r\n") "234"));
}

static void an_object_with_another_etag_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        struct str etag;
        bool good;
    } rows[] = {{STR("e"), true}, {STR("f"), false}};
    for (size_t i = 0; i < 2; i++) {
        const struct s3_range range = {.first = 2, .length = 3, .etag = rows[i].etag};
        struct stream stream;
        open_stream(&stream, serve_right);
        assert_int_equal(read_object(&stream, &range), rows[i].good);
        assert_got(&stream, rows[i].good ? "234" : "");
        if (!rows[i].good)
            assert_int_equal(stream.error.code, ERR_CONFLICT);
        close_stream(&stream);
    }
}

static void serve_denied(struct peer_connection *c)
{
    while (peer_read(c))
        peer_write(
            c, STR(HEAD("403 No",
                        "Content-Length: 43\r\n") "<Error><Code>AccessDenied</Code></Error>   "));
}

static void the_body_of_an_error_is_no_object(void **unused)
{
    (void)unused;
    struct stream stream;
    open_stream(&stream, serve_denied);
    assert_false(read_object(&stream, NULL));
    assert_int_equal(stream.error.code, ERR_ACCESS_DENIED);
    assert_got(&stream, "");
    close_stream(&stream);
}

/* An object without end. */
static void serve_endless(struct peer_connection *c)
{
    static const char block[4096];
    if (!peer_read(c) || !peer_write(c, STR(HEAD("200 OK", "Content-Length: 99999999999\r\n"))))
        return;
    while (peer_write(c, (struct str){block, sizeof(block)}))
        ;
}

static void a_sink_ends_it(void **unused)
{
    (void)unused;
    struct stream stream;
    open_stream(&stream, serve_endless);
    stream.limit = 100 * 1000;
    assert_false(read_object(&stream, NULL));
    assert_int_equal(stream.error.code, ERR_CONFLICT);
    assert_int_equal(peer_requests(stream.f.peer), 1);
    close_stream(&stream);
}

/* Says nothing at all. */
static void serve_silence(struct peer_connection *c)
{
    if (peer_read(c))
        peer_wait_for_end(c);
}

static void a_silent_service_ends_at_the_deadline(void **unused)
{
    (void)unused;
    struct stream stream;
    struct s3_facts facts;
    const struct s3_place place = {STR("bucket"), STR("key")};
    open_stream(&stream, serve_silence);
    stream.s3.deadline_ms = clock_mono_ms() + SHORT_MS;
    stream.s3.first_pause_ms = LONG_MS; /* so that there is no second attempt */
    assert_false(s3_head(&stream.s3, &place, &stream.f.arena, &facts, &stream.error));
    assert_int_equal(stream.error.code, ERR_CONNECTOR_SERVER);
    assert_true(peer_requests(stream.f.peer) <= 1); /* a busy machine may not even send it */
    close_stream(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_stream_is_continued),
        cmocka_unit_test(a_slow_stream_is_continued_with_other_credentials),
        cmocka_unit_test(nothing_is_asked_for_behind_the_last_byte),
        cmocka_unit_test(a_stream_ends_that_is_not_to_continue),
        cmocka_unit_test(an_object_that_changed_meanwhile_is_not_mixed),
        cmocka_unit_test(the_rest_of_another_object_is_refused),
        cmocka_unit_test(an_object_with_another_etag_is_refused),
        cmocka_unit_test(other_bytes_than_asked_for_are_refused),
        cmocka_unit_test(the_body_of_an_error_is_no_object),
        cmocka_unit_test(a_sink_ends_it),
        cmocka_unit_test(a_silent_service_ends_at_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
