/* A conversation with one connector: requests as a server would send them, and what is found in the
 * answers. Parts of a request that are not given come from earlier answers. */
#pragma once

#include "cli/connector_host.h"
#include "cli/options.h"
#include "connector/custom/contract_checks.h"

struct talk_answer {
    struct contract_answer contract;
    struct contract_page page;
    struct str faults; /* of the contract, each with its JSON pointer; "" : none */
    int64_t took_ms;
};

struct connector_talk {
    struct connector_host *host;
    struct arena *arena;
    /* From options; NULL or STR_NULL: not given, and filled from answers. */
    struct contract_context context;
    struct contract_records records;
    struct str path;
};

/* ERR_VALIDATION: an option. */
_must_use_ bool connector_talk_new(const struct options *options, struct connector_host *host,
                                   bool with_secret, struct arena *arena,
                                   struct connector_talk *ret_talk, struct error *error);

/* Whether a function can be asked with what is known; else why not, as "give --operation …". */
const char *connector_talk_lacks(const struct connector_talk *talk,
                                 enum contract_function function);

/* Sends the function's request, with `next_token` for a further page, and learns from the answer
 * what later requests need. */
void connector_talk_ask(struct connector_talk *talk, enum contract_function function,
                        struct str next_token, struct talk_answer *ret_answer);
