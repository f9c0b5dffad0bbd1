/* The body of a good answer, read piece by piece as it comes, so that a long list needs memory for
 * one of its items. What the reader leaves of it becomes the response's body and is classified as
 * any other; an answer that is not good (another status than 2xx) never reaches the reader. */
#pragma once

#include "base/buf.h"
#include "net/client/client.h"

#include <stdbool.h>

enum { ANSWER_READ_MAX = 64 * 1024 * 1024 }; /* bytes of one answer, decoded */

/* The fault that stands for it: the request has no room for the response, for which the vendor is
 * not to blame. Compared by address. */
extern const char answer_no_memory[];

struct answer_reader {
    /* Before the first piece, once for each try; `rest` is where what the reader leaves goes. */
    void (*begin)(void *context, struct buf *rest);
    /* False: no more is taken, and `fault` says why. */
    bool (*push)(void *context, struct str bytes, const char **ret_fault);
    /* After the last piece of a whole answer; it may change `rest`. NULL: nothing to do. */
    void (*end)(void *context, struct buf *rest);
    void *context;
};

/* Makes the call with the reader as its sink. */
void answer_read(const struct answer_reader *reader, client_call_fn *call, struct client *client,
                 struct arena *arena, struct client_request *request,
                 struct client_response *ret_response);
