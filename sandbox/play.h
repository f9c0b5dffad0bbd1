/* Which response a request gets: the sandbox's decisions, without any input or output. */
#pragma once

#include "sandbox/memory.h"
#include "sandbox/records/loaded.h"
#include "sandbox/records/written.h"
#include "sandbox/request.h"
#include "sandbox/vendor.h"

/* What a response that is a template is filled with. */
struct play {
    const struct vendor *vendor;
    struct sandbox_request *request;
    struct memory *memory;
    struct written_store *written; /* NULL: writes of records are refused */
    struct loaded *loaded;         /* NULL: nothing can be loaded */
    int64_t now_ms;                /* wall clock */
    bool refreshable;              /* a refresh token goes with the access token */
    bool rotating;                 /* …one that rotates */
};

/* The rule for a credential; NULL: not listed. */
const struct vendor_rule *rules_find(const struct vendor_rules *rules, struct str text);

/* The outcome of a rule for this use of `text`: counts the use when the outcomes differ by it. */
enum vendor_outcome rule_outcome(struct play *play, const struct vendor_rule *rule,
                                 struct str text);

/* The vendor's response to play->request. Never NULL. */
const struct sandbox_response *play_choose(struct play *play);

/* The OAuth server's part, for a request to its token path (oauth.c). */
const struct sandbox_response *oauth_answer(struct play *play);
/* The page on which a person authorizes, for a GET or POST of its path (authorize.c). */
const struct sandbox_response *authorize_answer(struct play *play);

/* The response's body, templates filled in (padding is not in it). */
struct str play_body(struct play *play, const struct sandbox_response *response);
