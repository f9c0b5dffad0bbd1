/* The contract of custom connectors: the JSON that AppFlow sends to a connector's function, and
 * what comes back. One place knows the names of requests and the codes of errors; what an answer
 * carries beside isSuccess and errorDetails is read by those who asked, with contract_reader.h.
 *
 * Sources: awslabs/aws-appflow-custom-connector-java and -python, whose requests and responses are
 * the contract. The SDKs differ in small things, so readers are liberal: null is absent, "type" may
 * be missing in an answer, an error code may be one that no SDK has. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "connector/custom/function.h"
#include "connector/verdict.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stdint.h>

enum contract_function {
    CONTRACT_DESCRIBE_CONFIGURATION,
    CONTRACT_VALIDATE_SETTINGS,
    CONTRACT_VALIDATE_CREDENTIALS,
    CONTRACT_LIST_ENTITIES,
    CONTRACT_DESCRIBE_ENTITY,
    CONTRACT_QUERY_DATA,
    CONTRACT_RETRIEVE_DATA,
    CONTRACT_WRITE_DATA,
    CONTRACT_FUNCTIONS, /* how many there are */
};

enum {
    CONTRACT_RETRY_AFTER_MAX_S =
        24 * 60 * 60,            /* a longer wait that an answer asks for counts as this */
    CONTRACT_MESSAGE_MAX = 4096, /* bytes of errorMessage that are looked at */
    CONTRACT_CODE_MAX = 64,      /* bytes of errorCode */
    CONTRACT_PAGE_MAX = 1000,    /* entities of a page, as the SDKs' default */
    /* JSON values and names in an answer: a field of an entity has up to 70. */
    CONTRACT_VALUES_MAX = 500 * 1000,
};

const char *contract_function_name(enum contract_function function); /* "ValidateCredentials" */
int64_t contract_time_ms(enum contract_function function);           /* how long it may take */

/* The contract's spelling of the API's AuthenticationType: "BasicAuth" for "BASIC". STR_NULL for
 * any other text. */
struct str contract_authentication_type(struct str authentication_type);

/* --- requests: JSON in the arena --- */

/* A profile's credentials as a function gets them: it reads the secret itself. */
struct contract_credentials {
    struct str secret_arn;
    struct str authentication_type; /* the API's: "BASIC", "OAUTH2", "APIKEY" or "CUSTOM" */
};

/* What a request about entities or records is about. */
struct contract_context {
    const struct value *settings; /* the profile's, and a flow's own; NULL: none */
    struct contract_credentials credentials;
    struct str api_version;
    struct str profile_name;
    const struct value *definition; /* of the entity, as DescribeEntity gave it; NULL: none */
};

struct str contract_describe_configuration(struct arena *arena, struct str label);
/* `settings`: a map of texts; NULL: none. They are the profile's: scope CONNECTOR_PROFILE. */
struct str contract_validate_settings(struct arena *arena, const struct value *settings,
                                      struct str authentication_type);
struct str contract_validate_credentials(struct arena *arena, const struct value *settings,
                                         const struct contract_credentials *credentials);
/* `path` and `next_token` may be STR_NULL: the top, the first page. */
struct str contract_list_entities(struct arena *arena, const struct contract_context *context,
                                  struct str path, int64_t max, struct str next_token);
struct str contract_describe_entity(struct arena *arena, const struct contract_context *context,
                                    struct str entity);

/* Which records a function shall read or write. What is NULL or STR_NULL is left out. */
struct contract_records {
    struct str entity;
    const struct value *fields;    /* a list of names: to be read; NULL: as the connector likes */
    struct str filter;             /* QueryData: an expression of the SDKs' filter language */
    int64_t max;                   /* QueryData: of a page */
    struct str next_token;         /* QueryData */
    struct str id_field;           /* RetrieveData: the field that `ids` are values of */
    const struct value *ids;       /* RetrieveData: a list of texts */
    struct str operation;          /* WriteData: INSERT, UPDATE, UPSERT or DELETE */
    const struct value *id_fields; /* WriteData: a list of names */
    const struct value *records;   /* WriteData: a list of texts, each the JSON of a record */
    bool all_or_none;              /* WriteData */
};
/* STR_NULL: the request is longer than FUNCTION_PAYLOAD_MAX. */
struct str contract_query_data(struct arena *arena, const struct contract_context *context,
                               const struct contract_records *records);
struct str contract_retrieve_data(struct arena *arena, const struct contract_context *context,
                                  const struct contract_records *records);
struct str contract_write_data(struct arena *arena, const struct contract_context *context,
                               const struct contract_records *records);

/* --- answers --- */

struct contract_answer {
    const struct value *body; /* the whole answer; NULL: none came that can be read */
    enum verdict_kind kind;   /* VERDICT_ACCEPTED: isSuccess is true */
    bool denied;              /* this server may not invoke the function */
    bool renewable;           /* InvalidCredentials: a new access token may help */
    bool repeatable;          /* the same call may succeed soon */
    bool absent;              /* ResourceNotFoundError: what was asked for does not exist */
    bool undone;              /* nothing was done: the function did not run, or refused the request
                               * as a whole and says nothing of records */
    int64_t retry_after_ms;   /* that the function or its runner asked for; -1: it did not say */
    /* Why it is not VERDICT_ACCEPTED: what the function, or its runner, says, not yet cleaned of
     * secrets, which the function had in hand. */
    struct str message;
    const char *hint;
};

/* Invokes and reads what each answer has. `call->payload` is the request of `function`. */
void contract_invoke(struct function_runner *runners, enum contract_function function,
                     const struct function_call *call, struct arena *arena,
                     struct contract_answer *ret_answer);

/* The same of an end that is known already, which is not FUNCTION_ANSWERED. */
void contract_answer_of_end(const struct function_answer *end, struct contract_answer *ret_answer);

/* For a call without secrets that ended in anything but VERDICT_ACCEPTED: ERR_ACCESS_DENIED when
 * this server may not invoke the function, else ERR_CONNECTOR_SERVER; the message begins as
 * AppFlow's own do. Always false. */
bool contract_fail(const struct contract_answer *answer, struct error *error);
