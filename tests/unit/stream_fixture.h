/* Sources, sinks and peers whose bytes can be checked wherever they are. */
#pragma once

#include "client_fixture.h"

#include <stdatomic.h>

enum {
    MIB = 1024 * 1024,
    LARGE = 64 * MIB,
    PIECE = 32 * 1024,
};

static inline char byte_at(int64_t at)
{
    return (char)(at ^ (at >> 8) ^ (at >> 16));
}

static inline void fill(char *out, size_t size, int64_t at)
{
    for (size_t i = 0; i < size; i++)
        out[i] = byte_at(at + (int64_t)i);
}

static inline bool is_filled(const char *bytes, size_t size, int64_t at)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != byte_at(at + (int64_t)i))
            return false;
    }
    return true;
}

struct flow {
    struct client_source source;
    struct client_sink sink;
    int64_t size;    /* that the source gives */
    int64_t pulled;  /* so far */
    int64_t fail_at; /* where the source fails; 0: nowhere */
    int64_t pushed;  /* that the sink got */
    int64_t stop_at; /* where the sink stops; 0: nowhere */
    bool wrong;      /* what it got is not what was sent */
    int heads;
    int status;
    bool refuses_head;
};

static inline ssize_t pull(void *context, char *out, size_t size)
{
    struct flow *flow = context;
    if (flow->fail_at > 0 && flow->pulled >= flow->fail_at)
        return -1;
    int64_t left = flow->size - flow->pulled;
    size_t given = (int64_t)size < left ? size : (size_t)left;
    fill(out, given, flow->pulled);
    flow->pulled += (int64_t)given;
    return (ssize_t)given;
}

static inline bool take_head(void *context, const struct client_response *response)
{
    struct flow *flow = context;
    flow->heads++;
    flow->status = response->status;
    return !flow->refuses_head;
}

static inline bool push(void *context, struct str bytes)
{
    struct flow *flow = context;
    flow->wrong |= !is_filled(bytes.data, bytes.len, flow->pushed);
    flow->pushed += (int64_t)bytes.len;
    return flow->stop_at == 0 || flow->pushed < flow->stop_at;
}

static inline void flow_init(struct flow *flow, int64_t size, int64_t length)
{
    *flow = (struct flow){.size = size};
    flow->source = (struct client_source){.pull = pull, .context = flow, .length = length};
    flow->sink = (struct client_sink){.head = take_head, .push = push, .context = flow};
}

static inline enum client_outcome stream(struct fixture *f, const char *method, struct str url,
                                         const struct client_source *source,
                                         const struct client_sink *sink, int64_t limit_ms)
{
    struct client_request request = {.method = str_from(method),
                                     .url = url,
                                     .source = source,
                                     .sink = sink,
                                     .deadline_ms = clock_mono_ms() + limit_ms};
    client_call(f->client, &f->arena, &request, &f->response);
    return f->response.outcome;
}

static inline struct str here(struct fixture *f)
{
    return url_of(f, "http", "127.0.0.1", "/");
}

/* --- peers --- */

/* The next piece of a body with a length or in chunks, whose sizes fit on one line; 0 at its end.
 */
struct body_reader {
    struct peer_connection *c;
    bool chunked;
    int64_t left; /* of the body or the chunk */
    bool begun;
};

static inline struct body_reader body_of(struct peer_connection *c)
{
    const char *length = strstr(c->request, "\r\nContent-Length: ");
    return (struct body_reader){.c = c,
                                .chunked = strstr(c->request, "\r\nTransfer-Encoding: chunked\r\n"),
                                .left = length ? strtol(length + 18, NULL, 10) : 0};
}

static inline bool next_chunk(struct body_reader *reader)
{
    char line[32];
    size_t len = 0;
    if (reader->begun) /* the line break that ends the chunk before */
        len = peer_receive(reader->c, line, 1) == 1 && peer_receive(reader->c, line, 1) == 1;
    reader->begun = true;
    for (len = 0; len < sizeof(line) - 1 && peer_receive(reader->c, line + len, 1) == 1; len++) {
        if (line[len] == '\n')
            break;
    }
    line[len] = '\0';
    reader->left = strtol(line, NULL, 16);
    return reader->left > 0;
}

static inline int read_body(struct body_reader *reader, char *out, size_t size)
{
    if (reader->left == 0 && (!reader->chunked || !next_chunk(reader)))
        return 0;
    int got =
        peer_receive(reader->c, out, (int64_t)size < reader->left ? size : (size_t)reader->left);
    reader->left -= got > 0 ? got : 0;
    return got;
}

/* Answers with the number of bytes, and whether they were right. */
static inline void serve_upload(struct peer_connection *c)
{
    char piece[PIECE], answer[128], body[64];
    while (peer_read_head(c)) {
        struct body_reader reader = body_of(c);
        int64_t total = 0;
        bool right = true;
        int got;
        while ((got = read_body(&reader, piece, sizeof(piece))) > 0) {
            right &= is_filled(piece, (size_t)got, total);
            total += got;
        }
        snprintf(body, sizeof(body), "%s %s %lld", reader.chunked ? "chunked" : "length",
                 right ? "right" : "wrong", (long long)total);
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(body), body);
        if (reader.chunked) /* the empty line after the last chunk */
            peer_receive(c, piece, 2);
        peer_write(c, str_from(answer));
    }
}

static inline void write_body(struct peer_connection *c, int64_t size, atomic_llong *sent)
{
    char piece[PIECE];
    for (int64_t at = 0; at < size; at += PIECE) {
        fill(piece, PIECE, at);
        if (!peer_write(c, (struct str){piece, PIECE}))
            return;
        if (sent)
            atomic_fetch_add(sent, PIECE);
    }
}

static inline void serve_download(struct peer_connection *c)
{
    while (peer_read(c)) {
        peer_write(c, STR("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"));
        write_body(c, LARGE, c->context);
    }
}
