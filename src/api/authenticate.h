/* Who calls: access keys looked up, their secrets opened, signatures verified. */
#pragma once

#include "api/request.h"

struct authenticator; /* one a loop */

enum {
    /* A key that was deleted or replaced stops working this long afterwards at the latest. */
    AUTHENTICATOR_RECHECK_MS = 1000,
    ACCESS_KEY_USE_MS = 60 * 60 * 1000, /* between two notes of a key's last use */
    AUTHENTICATOR_KEYS_KEPT = 64,       /* opened secrets held in memory, a loop */
};

struct authenticator *authenticator_new(void);
void authenticator_free(struct authenticator *access);

/* Verifies the signature of request->exchange and sets request->caller. Without a reader
 * (request->reader) it may need a key that is not at hand: request->key_is_wanted is set, and once
 * a worker has called authenticator_fetch it is to be called again. */
bool authenticator_verify(struct authenticator *access, struct api_request *request);
/* Reads the wanted key. On a worker: it waits for the store. */
void authenticator_fetch(struct api_request *request);
