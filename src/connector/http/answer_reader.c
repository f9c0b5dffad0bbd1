/* Between the client's sink and a reader: what is not for the reader is collected as usual. */
#include "connector/http/answer_reader.h"

#include "connector/http/response.h"

struct intake {
    const struct answer_reader *reader;
    bool is_good; /* the reader gets the body */
    bool is_full; /* what is left is longer than a response may be */
    const char *fault;
    struct arena space; /* of what is left */
    struct buf rest;
};

const char answer_no_memory[] = "no memory is left for the response";

static bool take_head(void *context, const struct client_response *response)
{
    struct intake *intake = context;
    intake->is_good = response->status / 100 == 2;
    if (intake->is_good)
        intake->reader->begin(intake->reader->context, &intake->rest);
    return true;
}

static bool take_piece(void *context, struct str bytes)
{
    struct intake *intake = context;
    bool taken = true;
    if (!arena_has_room(&intake->space, 2 * intake->rest.cap + bytes.len)) {
        intake->fault = answer_no_memory;
        return false;
    }
    if (intake->is_good)
        taken = intake->reader->push(intake->reader->context, bytes, &intake->fault);
    else
        buf_add(&intake->rest, bytes);
    intake->is_full = intake->rest.overflow;
    return taken && !intake->is_full;
}

/* What the sink refused is the answer's fault, not ours. */
static void conclude(struct intake *intake, struct arena *arena, struct client_response *response)
{
    if (response->outcome == CLIENT_ABORTED) {
        response->outcome = intake->fault == answer_no_memory ? CLIENT_NO_MEMORY : CLIENT_TOO_LARGE;
        response->detail = intake->fault ? intake->fault : "the response is too long";
    }
    if (response->outcome != CLIENT_OK)
        return;
    if (intake->is_good && intake->reader->end)
        intake->reader->end(intake->reader->context, &intake->rest);
    if (!arena_has_room(arena, (1 + VENDOR_RESPONSE_COPIES) * intake->rest.len)) {
        response->outcome = CLIENT_NO_MEMORY;
        response->detail = answer_no_memory;
        return;
    }
    response->body = arena_copy(arena, buf_str(&intake->rest));
}

void answer_read(const struct answer_reader *reader, client_call_fn *call, struct client *client,
                 struct arena *arena, struct client_request *request,
                 struct client_response *ret_response)
{
    struct intake intake = {
        .reader = reader,
        .space = {.kind = arena->kind, .meter = arena->meter},
    };
    intake.rest = buf_in(&intake.space, CLIENT_BODY_MAX);
    struct client_sink sink = {
        .head = take_head,
        .push = take_piece,
        .context = &intake,
        .size_max = ANSWER_READ_MAX,
    };
    if (!arena_has_room(arena, CLIENT_RING_SIZE)) {
        ret_response->outcome = CLIENT_NO_MEMORY;
        ret_response->detail = answer_no_memory;
        return;
    }
    arena_take(&intake.space, CLIENT_RING_SIZE); /* the client's ring, counted here */
    request->sink = &sink;
    call(client, arena, request, ret_response);
    request->sink = NULL;
    conclude(&intake, arena, ret_response);
    arena_done(&intake.space);
}
