/* References: values of credentials that say where a secret is instead of being one. A value is a
 * reference as a whole or not at all:
 *
 *   {{resolve:secretsmanager:ID[:SecretString[:KEY[:STAGE[:VERSION]]]]}}
 *   {{resolve:env:NAME}}
 *   {{resolve:file:/PATH}}
 *
 * The first is the form of AWS CloudFormation's dynamic references: ID is a secret's name or ARN,
 * KEY a member of the JSON that the secret holds (none: the whole text), STAGE a staging label and
 * VERSION a version's id, of which one at most is given (none: AWSCURRENT).
 *
 * Source: AWS CloudFormation User Guide, "Get a secret or secret value from Secrets Manager". */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

enum {
    REFERENCE_MAX = 2048,      /* bytes of a reference */
    REFERENCE_NAME_MAX = 512,  /* of a secret's name, as Secrets Manager has it */
    REFERENCE_PATH_MAX = 1024, /* of a file's path */
    REFERENCE_VARIABLE_MAX = 256,
};

enum reference_kind { REFERENCE_SECRET, REFERENCE_ENV, REFERENCE_FILE, REFERENCE_KINDS };

/* Points into the text that was read. */
struct reference {
    enum reference_kind kind;
    struct str text; /* the whole */
    /* A secret's name, without what an ARN has before it; a variable's name; an absolute path,
     * without "." and ".." and empty parts. */
    struct str name;
    struct str arn;                 /* the secret's; STR_NULL: it is named without one */
    struct str account, region;     /* of `arn` */
    struct str key, stage, version; /* of a secret; empty: none */
};

/* Whether the value has the beginning of a reference in it, wherever: such a value is a reference,
 * or it is refused; it is never taken for a secret. */
bool reference_is_meant(struct str value);

/* ERR_VALIDATION when it is none; the message is a clause that holds no byte of the value, since
 * that may be a secret after all. */
_must_use_ bool reference_read(struct str value, struct reference *ret_reference,
                               struct error *error);

/* "secretsmanager", "env", "file". */
const char *reference_kind_name(enum reference_kind kind);
