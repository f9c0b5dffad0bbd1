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

/* Where calls go with the tokens in hand. False: the verdict says why there is no such place. */
bool vendor_api(struct vendor_connection *connection, struct endpoint *ret_endpoint);
