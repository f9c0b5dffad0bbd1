/* Who calls: access keys looked up, their secrets opened, signatures verified. */
#pragma once

#include "api/request.h"

struct access; /* one a loop */

enum {
    /* A key that was deleted or replaced stops working this long afterwards at the latest. */
    ACCESS_RECHECK_MS = 1000,
    ACCESS_KEYS_KEPT = 64, /* opened secrets held in memory, a loop */
};

struct access *access_new(void);
void access_free(struct access *access);

/* Verifies the signature of call->exchange and sets call->caller. Without a reader (call->reader)
 * it may need a key that is not at hand: call->key_is_wanted is set, and once a worker has called
 * access_fetch it is to be called again. */
bool access_verify(struct access *access, struct call *call);
/* Reads the wanted key. On a worker: it waits for the store. */
void access_fetch(struct call *call);

/* What a secret access key is sealed to; the command line seals with it too. */
struct seal_binding access_key_binding(struct str account, struct str id);
