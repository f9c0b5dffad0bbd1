/* What the server and the courier say to each other about one call: a request and a response of
 * net/client/client.h as bytes. Both ends are of this program and this version; lengths are checked
 * all the same. */
#pragma once

#include "base/buf.h"
#include "escrow/slots.h"
#include "net/client/client.h"

enum {
    ESCROW_REQUEST_MAX = 4 * 1024 * 1024, /* bytes of an encoded request */
    ESCROW_BODY_MAX = 64 * 1024, /* of a response; what is beyond ESCROW_ANSWER_MAX is not kept */
    ESCROW_RESPONSE_MAX = ESCROW_BODY_MAX + 2 * CLIENT_HEADERS_MAX + 64 * 1024, /* of a reply */
};

/* One call that is to be made, and the slot for its answer. */
struct escrow_order {
    int slot;
    struct escrow_call_key key;
    struct client_request request; /* without source and sink */
    /* What `request.route` leads to, where there is one. */
    struct private_route route;
};

void escrow_put_order(struct buf *out, const struct escrow_order *order);
/* Texts point into `message`, as does `request.route` into *ret_order. */
bool escrow_take_order(struct arena *arena, struct str message, struct escrow_order *ret_order);

/* What came of it. */
struct escrow_reply {
    struct client_response response;
    bool is_kept; /* the answer is in its slot, or is none that escrow_is_kept says to keep */
};

void escrow_put_reply(struct buf *out, const struct escrow_reply *reply);
bool escrow_take_reply(struct arena *arena, struct str message, struct escrow_reply *ret_reply);

/* Whether a response may hold tokens, a complete one of success: the bodies of those go into slots.
 */
bool escrow_is_kept(const struct client_response *response);
