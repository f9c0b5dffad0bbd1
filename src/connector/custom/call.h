/* Calls of a registered connector's function over a connection: within its deadline, repeated where
 * that may help, with what the function says cleaned of secrets and turned into the connection's
 * verdict. */
#pragma once

#include "connector/connection.h"
#include "connector/custom/contract.h"

/* A call for the connector of the connection's target, but for its payload. With the credentials as
 * they are in hand as the secret that the function may read, if `with_secret`. */
struct function_call custom_call_new(struct vendor_connection *connection, bool with_secret);

/* Before the payload of a call with a secret is built: *ret_credentials is what goes into it.
 * False: the verdict says why the function could not read the secret. */
bool custom_call_place_secret(struct vendor_connection *connection, struct function_call *call,
                              enum verdict_step step, struct contract_credentials *ret_credentials);

/* `call->payload` is the request of `function`. Repeated as a vendor's call is: after a wait that
 * the function or its runner asks for, and once after a failure of the service behind it; unless
 * `repeatable`, only after what left everything undone (contract_answer.undone). True when
 * the function answered isSuccess; the answer lives until the next call. False: the verdict says
 * why, at `step`; a connection whose credentials were refused is VENDOR_STALE as long as a grant is
 * left. */
bool custom_call(struct vendor_connection *connection, enum contract_function function,
                 struct function_call *call, enum verdict_step step, bool repeatable,
                 struct contract_answer *ret_answer);
