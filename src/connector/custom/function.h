/* The function of a custom connector, as everything that calls one sees it: one JSON document goes
 * in, one comes out, within a time limit. Two runners stand behind it: AWS Lambda's Invoke API, and
 * a process on this machine that speaks the Lambda Runtime API. Limits are Lambda's own:
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FUNCTION_PAYLOAD_MAX = 6 * 1024 * 1024, /* bytes, each way: Lambda's for synchronous calls */
    FUNCTION_ARN_MAX = 512,                 /* bytes: the model's ARN */
    FUNCTION_DATA_TIME_MS = 30 * 1000,      /* for QueryData, RetrieveData and WriteData */
    FUNCTION_TIME_MS = 10 * 1000,           /* for the rest */
};

enum function_outcome {
    FUNCTION_ANSWERED,    /* payload is what it returned; nothing of it is checked yet */
    FUNCTION_FAILED,      /* it ran and raised an error: error_type and message are its words */
    FUNCTION_TIMED_OUT,   /* it did not return in time */
    FUNCTION_CRASHED,     /* its process ended, or could not be started */
    FUNCTION_TOO_LARGE,   /* its answer is longer than FUNCTION_PAYLOAD_MAX */
    FUNCTION_THROTTLED,   /* no capacity: come back after retry_after_ms */
    FUNCTION_DENIED,      /* this server may not invoke it */
    FUNCTION_NOT_FOUND,   /* no runner knows the ARN, or AWS says that there is none */
    FUNCTION_UNREACHABLE, /* Lambda's endpoint did not answer */
};

struct function_call {
    struct str arn;     /* of the Lambda function */
    struct str payload; /* JSON; at most FUNCTION_PAYLOAD_MAX */
    struct str account; /* 12 digits: whose connector it is */
    /* What of a profile decides where the function calls, as the target's receiver_settings;
     * STR_NULL: the call is about no profile. Each has a circuit breaker of its own. */
    struct str settings;
    struct str region; /* where the registration is */
    /* The one secret that the function may read while the call lasts, at this server's own
     * GetSecretValue; STR_NULL: none. */
    struct str secret_arn;
    /* What the function reads there, as secret_text (custom/secret_text.h) writes it: the
     * credentials that the call is about, which may not be committed yet, with a fresh access
     * token. STR_NULL: what the store holds when it reads. */
    struct str secret_text;
    bool secret_is_new; /* not committed: a copy of it must not replace that of the stored one */
    int64_t connector_version; /* of the registration, with each of which copies are placed again */
    struct str request_id;
    int64_t deadline_ms; /* on clock_mono_ms() */
};

struct function_answer {
    enum function_outcome outcome;
    struct str payload;    /* JSON text, in the arena of the call */
    struct str error_type; /* of FUNCTION_FAILED, "" when it gave none; cleaned for messages */
    struct str message;    /* what happened and what to do, for the caller; without secrets */
    int64_t retry_after_ms;
    /* Of an outcome that is not FUNCTION_ANSWERED: it was not invoked, so that it can have done
     * nothing. False: it may have run, or this is not known. */
    bool not_run;
};

/* A secret that is copied to where functions read it. */
struct function_secret {
    struct str account;
    struct str arn;  /* the profile's credentialsArn */
    struct str text; /* STR_NULL: the copy is to be removed */
    struct str copy; /* the name of a copy that was made for one call; STR_NULL: the profile's */
    int64_t connector_version; /* as in the call; with a text */
    int64_t deadline_ms;       /* on clock_mono_ms() */
};

/* One way to run functions. Thread-safe. */
struct function_runner;
struct function_runner_ops {
    /* Whether it runs this function; the first runner that does is asked. */
    bool (*knows)(struct function_runner *runner, struct str arn);
    /* Waits until the deadline at most; never on an event loop. */
    void (*invoke)(struct function_runner *runner, const struct function_call *call,
                   struct arena *arena, struct function_answer *ret_answer);
    /* NULL: the function reads the secret under call->secret_arn, from this server. Else see
     * function_place_secret. */
    bool (*place_secret)(struct function_runner *runner, const struct function_call *call,
                         struct arena *arena, struct str *ret_arn,
                         struct function_answer *ret_answer);
    /* NULL: no copies are kept. Else see function_keep_secret. */
    bool (*keep_secret)(struct function_runner *runner, const struct function_secret *secret,
                        struct arena *arena, struct function_answer *ret_answer);
};
struct function_breakers;
struct function_runner {
    const struct function_runner_ops *ops;
    struct function_runner *next;       /* asked after this one; NULL: none */
    struct function_breakers *breakers; /* custom/function_breaker.h; NULL: every call is made */
};

/* At the end of the list: it is asked after all that are there. Before the first invocation. */
void function_runner_add(struct function_runner **list, struct function_runner *runner);

/* Calls of all runners of the list go through these circuit breakers, which outlive them. Before
 * the first invocation. */
void function_runners_guard(struct function_runner *list, struct function_breakers *breakers);

/* By the first runner that knows the ARN; FUNCTION_NOT_FOUND when none does, with the options that
 * would make one known; FUNCTION_UNREACHABLE, with the time until then, when the function's circuit
 * breaker is open. `runners` may be NULL. */
void function_invoke(struct function_runner *runners, const struct function_call *call,
                     struct arena *arena, struct function_answer *ret_answer);

/* Before the payload of a call with a secret is built: makes the secret readable for the function,
 * and gives the ARN that it has to ask for, which goes into the payload: call->secret_arn where it
 * asks this server, that of a copy where it asks AWS. The call has a secret_text; its payload may
 * be unset. Waits until the deadline at most. False: *ret_answer says why, in the outcomes of
 * function_invoke. */
_must_use_ bool function_place_secret(struct function_runner *runners,
                                      const struct function_call *call, struct arena *arena,
                                      struct str *ret_arn, struct function_answer *ret_answer);

/* Whether the function reads copies of secrets, which have to be kept. */
bool function_copies_secrets(struct function_runner *runners, struct str arn);
/* Makes the copy of a secret what `secret` says, for the runners that keep copies. Waits until the
 * deadline at most. False: *ret_answer says why. */
_must_use_ bool function_keep_secret(struct function_runner *runners,
                                     const struct function_secret *secret, struct arena *arena,
                                     struct function_answer *ret_answer);
