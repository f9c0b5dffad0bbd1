/* What a row of the audit says, as it is added and as it is read. */
#pragma once

#include "base/str.h"

#include <stdint.h>

enum { AUDIT_MAC_SIZE = 16 }; /* AES-CMAC, of a row and of a bound */

struct audit_entry {
    int64_t at_ms;
    struct str request_id; /* STR_NULL when unknown, as below unless noted */
    struct str account;    /* always; empty for what belongs to no account */
    struct str region;
    struct str access_key_id; /* who: the key that signed the request, KEY/SESSION'S KEY/NAME, */
    struct str os_user;       /* or the user of the machine that ran the command */
    struct str operation;     /* always */
    struct str resource;      /* profile name, access key id, connector type, … */
    struct str outcome;       /* always; "ok" or the exception's name */
    struct str detail;        /* the message; no secret in it */
    int64_t version;          /* the profile's version that the change made; 0: none */
    int64_t repeated;         /* further attempts of this kind that this row stands for */
    int64_t last_at_ms;       /* of the last of them; 0: none */
};
