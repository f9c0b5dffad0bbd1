/* One API request on its way through the service. */
#pragma once

#include "api/operation.h"
#include "api/service.h"
#include "api/session_token.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/random.h"
#include "profile/trace.h"
#include "store/access_keys.h"
#include "store/audit.h"
#include "wire/shape.h"
#include "wire/sigv4.h"
#include "wire/value.h"
#include "work/memory_limit.h"

#include <stdbool.h>

/* An access key as a worker read it for an event loop. */
struct fetched_key {
    struct str wanted; /* its id; STR_NULL: none is */
    bool fetched;      /* what follows is set */
    bool found;
    struct access_key row;
};

struct api_request {
    struct service *service;
    struct http_exchange *exchange;
    struct arena *arena; /* the exchange's */
    char request_id[UUID_SIZE];
    int64_t begun_us;        /* monotonic */
    int64_t stage_ns;        /* monotonic, when its stage began; 0: this one is not measured */
    struct str route_target; /* the request's target with the path that its signature covers */
    /* What method and path mean in the API's model, found once, before the signature is verified:
     * until then it may choose the queue and nothing else. NULL: no operation of the model. */
    const struct api_operation *route;
    struct sigv4_caller caller;          /* once the signature was verified */
    struct str limits;                   /* as well: of its access key, see access_limits.h */
    const struct session_token *session; /* as well; NULL: not signed with one of STS's */
    /* As well: the local process of a connector that signed it; NULL: it was none. */
    const struct function_caller *function;
    struct str client_host;                /* as well, for a caller with limits or a session */
    const struct session_parent *parent;   /* as well, for STS alone: what a session gets from it */
    const struct aws_service *aws_service; /* as well */
    const struct operation *operation;     /* as well; NULL: unknown */
    struct value *input;                   /* decoded, within every constraint of the model */
    struct target *target;                 /* that its configuration leads to; NULL: not resolved */
    /* On an event loop: the loop's; on a reader: one for the request; else NULL. */
    struct store_reader *reader;
    struct fetched_key key;      /* see authenticator_fetch */
    bool key_is_wanted;          /* the signature cannot be verified before authenticator_fetch */
    bool is_denied;              /* its access key's policy does not allow it */
    bool is_dry_run;             /* see api/dry_run.h */
    bool is_rollback;            /* see api/request_flags.h */
    bool is_consent;             /* as well */
    bool is_preview;             /* see api/flow_preview.h */
    bool is_quotas;              /* see api/vendor_quotas.h */
    bool is_manifest;            /* the answer is of api/run_manifest.h, and not of the model */
    struct consent_use *consent; /* see api/consent_link.h; NULL: no person authorizes */
    struct str consent_link;     /* header X-Headgate-Consent-Link; STR_NULL: none */
    struct api_visit *visit;     /* a browser's, see api/visit.h; NULL: an API call */
    struct str report;           /* header X-Headgate-Verification of the answer; STR_NULL: none */
    bool is_limited;             /* it counts among its account's changes until it has ended */
    struct memory_reservation memory; /* of the arena, once another thread is to have the request */
    struct str output;                /* the answer's body, when the operation returns true */
    struct error error;               /* when it returns false */
    int64_t retry_after_ms;           /* with 429 and 503, see wire/aws_answer.h; 0: the default */
};

/* What the request is about, as its operation's row says; STR_NULL: nothing by name. */
struct str request_resource(const struct api_request *request);

/* Who signed the request, in AWS's form: the account's root, or the role that a session assumed. In
 * the arena. */
struct str request_caller_arn(struct api_request *request);

/* Always false: fails with ERR_THROTTLING, and counts the refusal, as --request-memory has no room
 * for what the request needs. */
bool request_no_memory(struct api_request *request);

/* The request's body without its Content-Encoding, see wire/content_coding.h; in `arena` if it had
 * one. Fails request->error. */
bool request_body(struct api_request *request, struct arena *arena, struct str *ret_body);

/* What the audit keeps of this request. Points into the request. */
struct audit_entry request_audit_entry(const struct api_request *request, const char *outcome,
                                       struct str detail);
/* Adds an audit row for a change that failed, or counts it (audit_failures.h), without waiting. */
void request_audit_failure(struct api_request *request);
