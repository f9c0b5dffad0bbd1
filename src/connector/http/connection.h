/* What a connection of a declarative connector can do beyond connector/connection.h: calls that the
 * connector describes, to the API that its target or its tokens lead to. */
#pragma once

#include "connector/connection.h"
#include "connector/http/endpoint.h"
#include "connector/http/response.h"

/* Makes one call of the connector's, as vendor_send does, with what authenticates it as far as
 * it is in hand. */
bool vendor_call(struct vendor_connection *connection, const struct connector_call *call,
                 struct vendor_response *ret_response);

struct answer_reader;

/* The same for a call whose answer is long: its body goes to `reader` (http/answer_reader.h).
 * `target`, unless STR_NULL, is sent instead of the call's path and query, as it is: a path and
 * query from the root of the API's host, which the vendor has named. The call's parameters are
 * added where it has no query. */
bool vendor_call_read(struct vendor_connection *connection, const struct connector_call *call,
                      struct str target, const struct answer_reader *reader,
                      struct vendor_response *ret_response);

/* The same for a whole URL that the vendor has named, at whatever host: it is asked for with
 * nothing that authenticates, and never by a private route. https alone, unless the API is called
 * without TLS. It is no use of the API's quota. */
bool vendor_call_url(struct vendor_connection *connection, struct str url,
                     const struct answer_reader *reader, struct vendor_response *ret_response);

/* Whether such a call can be made: not over a private route. Else with the verdict set. */
bool vendor_may_call_url(struct vendor_connection *connection);

/* The same as vendor_call with a body that is in memory, for calls that change something: they are
 * repeated after a fault only if `repeatable`. `target` as of vendor_call_read. *ret_taken: the
 * vendor may have done what was asked; always so of a good answer, never before the request was
 * sent or when it was refused as a whole.
 */
bool vendor_call_write(struct vendor_connection *connection, const struct connector_call *call,
                       struct str target, struct str body, bool repeatable,
                       struct vendor_response *ret_response, bool *ret_taken);

/* What a connector keeps between the batches of a write; NULL: nothing. */
void **vendor_writing(struct vendor_connection *connection);

/* The vendor's words without secrets, at most VERDICT_MESSAGE_MAX; STR_NULL: none are left. In the
 * arena. */
struct str vendor_clean(const struct vendor_connection *connection, struct arena *arena,
                        struct str words);

/* What calls are made of, and the texts of verdicts, are taken from this arena from now on, so that
 * one who makes thousands of calls over a connection can free it in between. Tokens and what is
 * redacted stay in the config's. Gives the arena before it, which is to be set again. */
struct arena *vendor_set_arena(struct vendor_connection *connection, struct arena *arena);
/* Before such an arena is freed: the verdict's texts become the config's. */
void vendor_keep_verdict(struct vendor_connection *connection);

/* The target of a link in an answer: path and query of a URL at the API's own host; the vendor may
 * leave the host out, or give what follows the API's base URL. False, with the verdict set: it
 * leads to another host. */
bool vendor_take_link(struct vendor_connection *connection, struct str link,
                      struct str *ret_target);

/* Where calls go with the tokens in hand. False: the verdict says why there is no such place. */
bool vendor_api(struct vendor_connection *connection, struct endpoint *ret_endpoint);
