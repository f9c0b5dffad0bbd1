/* Who asks the S3 stand-in, and whether the body is the one that was signed. */
#pragma once

#include "sandbox/s3/exchange.h"
#include "wire/sigv4.h"

/* Takes the sandbox's own key, and the temporary one that its STS hands out. */
struct s3_signers;
struct s3_signers *s3_signers_new(void);
void s3_signers_free(struct s3_signers *signers);

/* Checks the signature (Authorization header, Signature Version 4) and the payload: its hash, or
 * its checksum where it is in chunks with a trailer. False: it was refused. Sets exchange->body. */
bool s3_check_signature(const struct s3_signers *signers, struct s3_exchange *exchange);
