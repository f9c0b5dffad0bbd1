/* What the files of the Lambda runner share. */
#pragma once

#include "connector/custom/lambda.h"

#include <pthread.h>

enum { LAMBDA_COPIES_KNOWN = 256 }; /* secrets whose copy is known to be current */

struct lambda_copy {
    uint64_t name, text; /* hash_text of both */
    int64_t version;     /* of the registration that it was placed for */
    char *arn;           /* on the heap; NULL: the place is free */
};

struct lambda_runner {
    struct function_runner runner; /* first: a pointer to it is one to this */
    struct lambda_config config;
    struct aws_role_cache *roles;
    lambda_remove_later_fn *remove_later; /* NULL: no copies for single calls are made */
    void *remove_context;
    pthread_mutex_t lock; /* guards what follows */
    struct lambda_copy copies[LAMBDA_COPIES_KNOWN];
};

/* *answer says what the error of auth/ says; when AWS throttles, with a pause. False always. */
bool lambda_fail(const struct error *error, struct arena *arena, struct function_answer *answer);

/* Who calls AWS for an account: the server itself, or the role of --connector-role, which
 * *ret_access then points into. False: *answer says why not. */
bool lambda_choose_access(struct lambda_runner *lambda, struct str account, struct str region,
                          int64_t deadline_ms, struct arena *arena, struct aws_role *ret_role,
                          struct aws_access *ret_access, struct function_answer *answer);

/* After AWS refused what was signed as that role: it is assumed anew for the next call, as its
 * rights or its credentials may have changed. Nothing without --connector-role. */
void lambda_forget_role(struct lambda_runner *lambda, struct str account, struct arena *arena);

/* function_runner_ops of these names, where copies are kept. */
bool lambda_place_secret(struct function_runner *runner, const struct function_call *call,
                         struct arena *arena, struct str *ret_arn, struct function_answer *answer);
bool lambda_keep_secret(struct function_runner *runner, const struct function_secret *secret,
                        struct arena *arena, struct function_answer *answer);
void lambda_copies_forget(struct lambda_runner *lambda); /* frees what is known */
