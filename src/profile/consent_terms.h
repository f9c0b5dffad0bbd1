/* What a change knows of a person's consent (profile/consent_use.h). */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "connector/http/consent.h"

#include <stdbool.h>

/* Values of consent_use.fault. */
#define CONSENT_WRONG_ACCOUNT "wrong-account"
#define CONSENT_FEWER_SCOPES "fewer-scopes"
#define CONSENT_NO_REFRESH_TOKEN "no-refresh-token"

struct db;

/* Of one change; the change points to it. */
struct consent_use {
    bool is_start;         /* the link is being made */
    struct str public_url; /* of this server, where browsers reach it; then */
    struct consent_wish wish;
    bool any_account; /* see struct consent_ticket */
    int64_t version;  /* the same */
    struct str code;
    struct str code_verifier;   /* STR_NULL: none */
    struct str scope;           /* that was asked for */
    struct consent_place place; /* out, of a start */
    /* Out: why the vendor's answer is not good although its tokens work; NULL: no such reason. */
    const char *fault;
    struct str words;
    /* Ends the consent as one with the change; in its transaction. NULL for a start. */
    bool (*end)(struct db *db, const struct consent_use *use, struct error *error);
    struct str id; /* of its row */
};
