/* An authenticated channel to a vendor: what a verification, a token keeper, an entity lister, a
 * reader and a writer hold while they work. It owns the tokens in hand, the secrets to redact from
 * what the vendor says, the deadline, and the repetition of calls; each of its users sees calls
 * that succeed, or a verdict that says why one did not. One thread at a time uses a connection. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "connector/credential_end.h"
#include "connector/grant_journal.h"
#include "connector/target.h"
#include "connector/verdict.h"
#include "net/client/client.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stdint.h>

enum vendor_state {
    VENDOR_NEW,    /* nothing was sent */
    VENDOR_READY,  /* calls can be made */
    VENDOR_STALE,  /* the access token expired or was refused, and a grant is left: renew */
    VENDOR_FAILED, /* nothing is left to authenticate with; the verdict says why */
    VENDOR_CLOSED,
};

enum {
    CALL_TRIES_MAX = 3,
    CALL_THROTTLED_PAUSE_MS = 1000, /* first wait when 429 came without Retry-After; then doubled */
    CALL_FAULT_PAUSE_MS = 500,      /* before the one repetition after a server fault */
    CALL_BUSY_TRIES_MAX = 6,        /* while the vendor is busy with the same credential */
    CALL_BUSY_PAUSE_MS = 1000,      /* first wait then; doubled up to the next */
    CALL_BUSY_PAUSE_MAX_MS = 4000,
    CALL_ROOM_MS = 200,            /* no try is begun with less time left */
    SESSION_TOKEN_MAX = 16 * 1024, /* bytes */
    SESSION_END_MS = 1000,         /* to end a session, also when the deadline has passed */
};

struct call_quota_said;
struct vendor_connection;
struct vendor_response;

/* Holds calls of a vendor's API back while it takes none of this customer's, and learns from its
 * answers (work/call_quota.h). Calls for tokens, logins and verifications do not pass it. On the
 * thread that uses the connection. */
struct vendor_gate {
    /* Before each try of a call to this host. May wait for a short time, which is added to the
     * deadline. False: it is not to be made now, but in *ret_wait_ms; the verdict is
     * VERDICT_THROTTLED then. */
    bool (*enter)(void *context, struct str host, int64_t *ret_wait_ms);
    /* After it, with what the answer said. */
    void (*leave)(void *context, const struct call_quota_said *said);
    void *context;
};

/* Whether the caller has use for more calls; may_go_on NULL: always. On the thread that uses the
 * connection; may wait for the store. */
struct vendor_caller {
    bool (*may_go_on)(void *context);
    /* While a call is under way that does no harm when it is given up, now and then: whether its
     * answer is still wanted; NULL: always. */
    bool (*wants_answer)(void *context);
    void *context;
};

/* All of it must live as long as the connection. */
struct vendor_connection_config {
    const struct target *target;       /* with its credentials set */
    const struct oauth_tokens *stored; /* got for these credentials earlier; NULL: none */
    bool
        renews; /* the access token in hand does not prove the credentials: a grant is made first */
    const struct token_grant_journal *journal;
    struct str region; /* of AWS, where the profile is */
    /* For connectors that read credentials themselves: the profile's credentialsArn, also when it
     * is not stored yet, the request's id for their logs, and the profile's name, which calls about
     * entities have. */
    struct str secret_arn;
    struct str request_id;
    struct str profile_name;
    struct arena *arena;
    int64_t deadline_ms; /* of all calls together, on clock_mono_ms() */
    /* Grants (enum connector_grant) that are not made, since the credential would be used up. */
    unsigned withheld;
    /* Added to a verdict that is not good where the credentials have such a grant; STR_NULL: no. */
    struct str withheld_note;
    struct step_times *times;   /* added to; NULL: not wanted */
    struct credential_end *end; /* set where a verification's answers say it; NULL: not wanted */
    /* A call that was throttled, is busy, or is to be repeated at a time that the vendor says, is
     * not repeated: the caller waits. */
    bool without_waits;
    struct vendor_caller caller;
    const struct vendor_gate *gate; /* NULL: no call is held back */
};

/* In the config's arena; nothing is sent yet. Close it when done. */
struct vendor_connection *vendor_connection_new(const struct vendor_connection_config *config);

/* Authenticates as far as the vendor needs it before a call: gets tokens when none in hand can be
 * used, or logs in. Waits. False: vendor_verdict says why. */
bool vendor_open(struct vendor_connection *connection);

/* Gets new tokens by the next grant that the credentials suffice for, through the grant journal.
 * For a token keeper, and after a call that left the connection VENDOR_STALE. Each
 * renewal uses up one of the few grants (a refresh at most twice), so a loop of calls and renewals
 * ends. */
bool vendor_renew(struct vendor_connection *connection);

/* Another time than the config's by which calls end, on clock_mono_ms(). */
void vendor_set_deadline(struct vendor_connection *connection, int64_t deadline_ms);

/* Whether a grant brought the tokens in hand. */
bool vendor_is_renewed(const struct vendor_connection *connection);

/* Ends a session at the vendor where there is one. The verdict stays. */
void vendor_close(struct vendor_connection *connection);

enum vendor_state vendor_state(const struct vendor_connection *connection);

/* What the latest call or renewal came to. */
struct verdict vendor_verdict(const struct vendor_connection *connection);

/* What shall be stored beside the credentials: the tokens in hand when a grant brought them, else
 * those of the config, else none. */
struct oauth_tokens vendor_tokens(const struct vendor_connection *connection);

/* --- for implementations of connectors --- */

const struct vendor_connection_config *vendor_config(const struct vendor_connection *connection);

/* The secret must not come back in any vendor's message. */
void vendor_redact(struct vendor_connection *connection, struct str secret);

/* Sets the verdict where no call was made, or where its response is of no use. `message` is cleaned
 * of secrets. Always false. */
bool vendor_fail(struct vendor_connection *connection, enum verdict_kind kind,
                 enum verdict_step step, struct str message, const char *hint);
/* The same with the status of a response. */
bool vendor_fail_status(struct vendor_connection *connection, enum verdict_kind kind,
                        enum verdict_step step, int status, struct str message, const char *hint);
/* As a call would fail that ended with this outcome; `hint` goes before the usual one unless it is
 * NULL. */
bool vendor_fail_transport(struct vendor_connection *connection, enum verdict_step step,
                           const struct client_response *response, const char *hint);
/* Always true. */
bool vendor_accept(struct vendor_connection *connection, enum verdict_step step);

/* Adds the time of a step, in microseconds, where the config wants it. */
void vendor_note_time(struct vendor_connection *connection, enum verdict_step step, int64_t us);

/* Frees what the latest response left, as nothing of it is needed while the call waits. */
void vendor_pause(struct vendor_connection *connection, int64_t duration_ms);

/* Before each of several calls that are one operation. False: the caller has no use for it; the
 * verdict is VERDICT_INTERNAL. */
bool vendor_may_go_on(struct vendor_connection *connection);

/* When the calls at hand must have ended, on clock_mono_ms(). */
int64_t vendor_deadline_ms(const struct vendor_connection *connection);

/* By which a call is given up when the caller does not want its answer any more; NULL: none is. */
const struct client_watch *vendor_watch(const struct vendor_connection *connection);

/* Whether a wait of this length leaves time for a call before the deadline. */
bool vendor_has_time(const struct vendor_connection *connection, int64_t wait_ms);

/* The config's gate, around each try of a call. enter false: the call is not to be made now; the
 * verdict is set. */
bool vendor_gate_enter(struct vendor_connection *connection, struct str host);
void vendor_gate_leave(struct vendor_connection *connection, const struct call_quota_said *said);

/* Sends a request that is authenticated already, classifies the response, repeats it within the
 * deadline where that may help, and sets the verdict. What consumes something must not be
 * `repeatable`: then only a response that proves nothing was consumed (429, busy) is followed by
 * another try. `needs` is a JSON pointer that a good response has, or NULL. True when the response
 * is good. It lives until the next vendor_send, vendor_pause or vendor_close, so what is kept of it
 * must be copied: it may be large, and the connection may wait for long. */
bool vendor_send(struct vendor_connection *connection, enum verdict_step step, const char *needs,
                 struct client_request *request, bool repeatable,
                 struct vendor_response *ret_response);

/* The same with a reader for the body of a good answer; NULL: none. Each try begins it again. */
struct answer_reader;
bool vendor_send_read(struct vendor_connection *connection, enum verdict_step step,
                      const char *needs, struct client_request *request, bool repeatable,
                      const struct answer_reader *reader, struct vendor_response *ret_response);
