/* Who signs requests to the sandbox's AWS: Signature Version 4 in the Authorization header, by the
 * key that the server has in sandbox mode, or the temporary one that the sandbox's STS hands out.
 */
#pragma once

#include "base/error.h"
#include "sandbox/request.h"

struct signers;
struct signers *signers_new(void);
void signers_free(struct signers *signers); /* NULL is fine */

/* `service`: the name in the credential scope; of "s3" the payload is its caller's to check. Errors
 * are those of sigv4_verify (wire/sigv4.h). */
_must_use_ bool signers_check(const struct signers *signers, const struct sandbox_request *request,
                              struct str service, struct error *error);
