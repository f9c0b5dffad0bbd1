/* Access policies in IAM's language: what an access key may do, as JSON that people already have.
 *
 * A policy is read once and asked for each request. What it can say: Version, Id, Statement with
 * Sid, Effect, Action or NotAction, Resource or NotResource, and Condition with the operators for
 * strings, ARNs, dates, booleans, addresses and missing keys, "...IfExists", "ForAllValues:" and
 * "ForAnyValue:". What it cannot say is refused when it is read, so that no policy means less than
 * its author thinks: principals, policy variables ("${...}"), numbers, binary.
 *
 * Source: IAM User Guide, "IAM JSON policy elements reference" and "Policy evaluation logic". */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    POLICY_TEXT_MAX = 6144, /* bytes; IAM's limit for a managed policy */
    POLICY_NODES_MAX = 2048,
};

struct policy;

/* What is known of a request under one of IAM's names; keys are compared without regard to case. */
struct policy_fact {
    struct str key; /* "aws:SourceIp" */
    const struct str *values;
    size_t count;
};

struct policy_question {
    struct str action;   /* "appflow:UpdateConnectorProfile" */
    struct str resource; /* an ARN, or "*" for an operation that is about none */
    const struct policy_fact *facts;
    size_t fact_count;
    /* What allows it must name the service: a statement whose Action is "*", or that has NotAction
     * instead, allows nothing then. It still denies. */
    bool by_name;
};

enum policy_answer {
    POLICY_SILENT, /* no statement allows it */
    POLICY_ALLOWS,
    POLICY_DENIES, /* a statement denies it, whatever others allow */
};

/* The policy and all it points to live in the arena; `text` is copied. ERR_VALIDATION with what is
 * wrong and in which statement. */
_must_use_ bool policy_read(struct str text, struct arena *arena, const struct policy **ret_policy,
                            struct error *error);

/* The same of a policy that was read within another text, which it does not point into. */
_must_use_ bool policy_from_json(yyjson_val *json, struct arena *arena,
                                 const struct policy **ret_policy, struct error *error);

/* Whether a condition asks for this key: what is not asked for need not be found out. */
bool policy_mentions(const struct policy *policy, struct str key);

/* The same for any key that begins so: "aws:ResourceTag/". */
bool policy_mentions_below(const struct policy *policy, struct str prefix);

/* Takes at most a time that is bounded by the sizes of policy and question. */
enum policy_answer policy_ask(const struct policy *policy, const struct policy_question *question);
