/* The security session of a SAP system: the token against forged requests (CSRF) that every write
 * must have, and the cookies that it belongs to. */
#pragma once

#include "connector/http/connection.h"

struct sapodata_session {
    struct str token;   /* STR_NULL: the system gave none */
    struct str cookies; /* "a=b; c=d"; STR_NULL: none */
};

/* Asks for them with a read of the service at a path (SAP Gateway Foundation Developer Guide,
 * "Cross-Site Request Forgery Protection"): X-CSRF-Token: Fetch. A system that answers without a
 * token needs none. False: the verdict says why there is no answer. The session's texts are in the
 * config's arena, and what they are made of in `scratch`, where the verdict's may be as well. */
bool sapodata_session_fetch(struct vendor_connection *connection, struct str service_path,
                            struct arena *scratch, struct sapodata_session *ret_session);

/* Whether an answer to a write says that the token is not the session's: nothing was done. */
bool sapodata_session_ended(const struct vendor_response *response);
