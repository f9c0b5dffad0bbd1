/* Whether the answers that a connector gives about entities and records keep to the contract: the
 * types of all members, their limits, and what one member demands of another. What it says about
 * itself is checked where it is registered.
 *
 * Sources: responses and fields of awslabs/aws-appflow-custom-connector-python and -java; limits of
 * AppFlow's API model for what its operations repeat. */
#pragma once

#include "connector/custom/contract.h"
#include "connector/custom/contract_reader.h"

#include <stdint.h>

enum {
    CONTRACT_CACHE_LEAST_S = 10 * 60, /* AppFlow keeps metadata at least so long */
    CONTRACT_CACHE_S = 60 * 60,       /* and so long when the connector does not say */
    CONTRACT_TOKEN_MAX = 2048,        /* bytes of a nextToken */
    CONTRACT_RECORDS_MAX = 10 * 1000, /* of a page, which the size of an answer limits first */
};

/* What was found in an answer, for what is sent next. */
struct contract_page {
    size_t count;          /* entities, fields, records or results */
    struct str first;      /* the first entity's identifier */
    struct str next_token; /* STR_NULL: there is no further page */
    int64_t cache_s;       /* how long the answer may be kept; -1: it does not say */
};

/* Adds the faults of a function's whole answer that says isSuccess to whole->check. Members that
 * only belong to failures are checked too. */
void contract_check_answer(enum contract_function function, const struct contract_place *whole,
                           struct contract_page *ret_page);
