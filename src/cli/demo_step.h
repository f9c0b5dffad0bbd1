/* A step of the demonstration: a call that is made, judged and shown. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "cli/api_client.h"

#define DEMO_PROFILE "demo-salesforce"

struct demo {
    struct api_client *api;
    struct arena *arena; /* of all answers */
    struct error *error;
    int step; /* the number of the latest */
};

_must_use_ bool demo_post(struct demo *demo, const char *path, struct str body,
                          struct api_answer *ret_answer);

/* The line of the next step. */
void demo_print_step(struct demo *demo, const char *what, const struct api_answer *answer,
                     struct str outcome);
void demo_print_note(const char *note); /* below it */

/* Always false: the answer is not the one that this call must get. */
bool demo_unexpected(struct demo *demo, const char *what, const struct api_answer *answer);
