/* Whether a request to the S3 stand-in is signed, and its body the one that was signed. */
#pragma once

#include "sandbox/s3/exchange.h"
#include "sandbox/signers.h"

/* Checks the signature and the payload: its hash, or its checksum where it is in chunks with a
 * trailer. False: it was refused. Sets exchange->body. */
bool s3_check_signature(const struct signers *signers, struct s3_exchange *exchange);
