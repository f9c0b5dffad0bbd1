/* What a policy's conditions can ask about tags: "aws:TagKeys" and "aws:RequestTag/KEY" of those
 * that the request gives, "aws:ResourceTag/KEY" of those that its resource has (IAM User Guide,
 * "AWS global condition context keys"). */
#pragma once

#include "api/policy.h"
#include "api/request.h"

/* The facts, in the request's arena. A resource's tags are read from the store, and only when the
 * policy asks for one; this waits where the store is across a network. Fails request->error. */
_must_use_ bool tag_facts(struct api_request *request, const struct policy *policy,
                          struct policy_fact **ret_facts, size_t *ret_count);
