/* One verification under way: what it knows, and what came of it so far. */
#pragma once

#include "connector/http/auth_choice.h"
#include "connector/http/redact.h"
#include "connector/http/response.h"
#include "connector/http/target.h"
#include "connector/http/template.h"
#include "connector/http/verify.h"

struct run {
    const struct verification *v;
    const struct connector_auth *way;
    struct scope scope;
    struct oauth2_material material; /* when the way is OAuth */
    struct redaction redaction;      /* everything that must not come back in words */
    int64_t deadline_ms;             /* of the next call, on clock_mono_ms() */
    struct tokens tokens;            /* in hand */
    bool exchanged;                  /* they differ from what was stored */
    unsigned tried;                  /* of enum connector_grant */
    bool resumed;                    /* a refresh of an earlier try was taken up */
    struct verdict verdict;
    bool renewable;  /* the verdict is such that a new access token may help */
    struct str note; /* joins the hint unless all ends well */
};

/* A run that knows nothing yet but what must not come back in words. */
void run_init(struct run *run, const struct verification *v);

/* Sets the verdict where no call was made. `words` are cleaned. Always false. */
bool run_conclude(struct run *run, enum verdict_kind kind, enum verdict_step step, struct str words,
                  const char *hint);

/* --- connection_call.c --- */

enum {
    CALL_TRIES_MAX = 3,
    CALL_THROTTLED_PAUSE_MS = 1000, /* first wait when 429 came without Retry-After; then doubled */
    CALL_FAULT_PAUSE_MS = 500,      /* before the one repetition after a server fault */
    CALL_ROOM_MS = 200,             /* no try is begun with less time left */
};

void run_pause(const struct run *run, int64_t duration_ms);

/* Makes a call, judges the answer, repeats it within the time limit where that may help, and sets
 * the verdict. What consumes something must not be `repeatable`: then only an answer that proves
 * nothing was consumed (429) is followed by another try. True when the answer is a good one. */
bool run_call(struct run *run, enum verdict_step step, const char *needs,
              struct client_request *request, bool repeatable, struct answer *ret_answer);

/* --- private_route.c --- */

/* In Private mode sets request->route, or the verdict when the operator has no route for it. */
bool run_take_way(struct run *run, enum verdict_step step, struct client_request *request);

/* --- probe.c --- */

/* Makes one call of the connector's as run_call does. What shows who we are goes with it as far as
 * it is in hand. */
bool run_request(struct run *run, enum verdict_step step, const struct url *base,
                 const struct connector_call *call, bool repeatable, struct answer *ret_answer);

/* Makes the calls that prove the credentials. */
bool run_probe(struct run *run);

/* --- login_session.c --- */

enum {
    SESSION_TOKEN_MAX = 16 * 1024, /* bytes */
    SESSION_END_MS = 1000,         /* to end a session, also when the time limit has passed */
};

/* Logs in, makes the calls that prove the credentials, and logs out. */
void run_session(struct run *run);

/* --- token_grant.c --- */

/* The next grant that could bring tokens; 0: none is left. */
enum connector_grant run_next_grant(const struct run *run);

/* Turns a one-time credential into tokens, through the journal. */
bool run_exchange(struct run *run, enum connector_grant grant);
