/* Signatures of the events that the webhook delivers, so that a receiver knows that this server
 * sent them, and when: HMAC-SHA-256 over "TIMESTAMP.BODY", the timestamp in seconds since the
 * epoch in decimal (docs/notices.md says how to check it). With two secrets there are two
 * signatures, so that a receiver can change from one to the other. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

enum {
    WEBHOOK_SECRETS_MAX = 2,
    WEBHOOK_SECRET_MIN = 16, /* bytes */
    WEBHOOK_SECRET_MAX = 256,
};

struct webhook_secrets;

/* From a file with a secret a line; blanks around it do not count. ERR_VALIDATION, with what to do,
 * when it cannot be read, others may read it, or what is in it is not that. */
_must_use_ bool webhook_secrets_read(const char *path, struct webhook_secrets **ret_secrets,
                                     struct error *error);
void webhook_secrets_free(struct webhook_secrets *secrets); /* wipes; NULL is fine */

/* The value of the header Headgate-Signature: "v1=HEX", and ",v1=HEX" for the second secret. */
struct str webhook_signature(const struct webhook_secrets *secrets, int64_t timestamp_s,
                             struct str body, struct arena *arena);
