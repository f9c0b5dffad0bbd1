/* A response's body on its way from the transfer to the sink: decoded, and held to its limits. Runs
 * on the caller's thread, so that decoding costs the caller's time and no other transfer's. */
#include "net/client/internal.h"

bool delivery_fail(struct delivery *delivery, enum client_outcome outcome, const char *words)
{
    delivery->outcome = outcome;
    delivery->words = words;
    return false;
}

void delivery_init(struct delivery *delivery, const struct client_request *request,
                   const struct client_sink *sink, const struct http_header *headers, size_t count)
{
    size_t codings = 0;
    *delivery = (struct delivery){.sink = sink};
    for (size_t i = 0; !request->keeps_coding && i < count; i++) {
        if (!str_eq_nocase(headers[i].name, STR("Content-Encoding")))
            continue;
        enum coding coding = coding_of(headers[i].value);
        if (coding == CODING_NONE)
            continue;
        delivery->coding = codings++ > 0 ? CODING_UNKNOWN : coding;
    }
}

void delivery_done(struct delivery *delivery)
{
    decoder_free(delivery->decoder);
    delivery->decoder = NULL;
}

/* Small bodies may be of any ratio: a page of blanks compresses well. */
static bool is_bomb(const struct delivery *delivery)
{
    return delivery->decoder && delivery->given > CLIENT_BODY_MAX &&
           delivery->given / CLIENT_DECODED_RATIO_MAX > delivery->received;
}

static bool give(void *context, struct str bytes)
{
    struct delivery *delivery = context;
    const struct client_sink *sink = delivery->sink;
    delivery->given += bytes.len;
    if (sink->size_max > 0 && delivery->given > (uint64_t)sink->size_max)
        return delivery_fail(delivery, CLIENT_TOO_LARGE, "@: response exceeds the size limit");
    if (is_bomb(delivery))
        return delivery_fail(delivery, CLIENT_TOO_LARGE,
                             "@: compressed response exceeds the limit on its decoded size");
    return sink->push(sink->context, bytes) ||
           delivery_fail(delivery, CLIENT_ABORTED,
                         "@: call aborted because the response was not wanted further");
}

static bool open_decoder(struct delivery *delivery)
{
    if (delivery->coding == CODING_UNKNOWN)
        return delivery_fail(delivery, CLIENT_BROKEN,
                             "@: response has a content coding other than " CODING_ACCEPTED
                             ", which were asked for");
    delivery->decoder = decoder_new(delivery->coding);
    return true;
}

bool delivery_take(struct delivery *delivery, struct str bytes)
{
    delivery->received += bytes.len;
    if (delivery->coding == CODING_NONE)
        return give(delivery, bytes);
    if (!delivery->decoder && !open_decoder(delivery))
        return false;
    enum decoded decoded = decoder_feed(delivery->decoder, bytes, give, delivery);
    if (decoded == DECODED_CORRUPT)
        return delivery_fail(delivery, CLIENT_BROKEN, "@: compressed response is corrupt");
    return decoded == DECODED_ALL;
}

bool delivery_finish(struct delivery *delivery)
{
    if (delivery->outcome != CLIENT_OK)
        return false;
    if (delivery->decoder && !decoder_is_complete(delivery->decoder))
        return delivery_fail(delivery, CLIENT_BROKEN, "@: compressed response is incomplete");
    return true;
}

/* --- a body in memory --- */

struct collected {
    struct buf body;
    bool no_room; /* the arena's meter had none */
};

static bool collect(void *context, struct str bytes)
{
    struct collected *collected = context;
    size_t growth = buf_growth(&collected->body, bytes.len);
    collected->no_room = !arena_has_room(collected->body.arena, growth);
    if (!collected->no_room)
        buf_add(&collected->body, bytes);
    return !collected->no_room;
}

void delivery_decode(struct transfer *transfer)
{
    struct collected decoded = {.body = buf_in(transfer->arena, transfer->body.limit)};
    struct client_sink sink = {
        .push = collect, .context = &decoded, .size_max = (int64_t)transfer->body.limit};
    struct delivery delivery;
    delivery_init(&delivery, transfer->request, &sink, transfer->headers, transfer->header_count);
    if (delivery.coding == CODING_NONE || transfer->body.len == 0)
        return;
    if (delivery_take(&delivery, buf_str(&transfer->body)))
        delivery_finish(&delivery);
    delivery_done(&delivery);
    if (decoded.no_room)
        delivery_fail(&delivery, CLIENT_NO_MEMORY, "@: no memory is left for the response");
    transfer->own_outcome = delivery.outcome;
    transfer->own_words = delivery.words;
    transfer->body = decoded.body;
}
