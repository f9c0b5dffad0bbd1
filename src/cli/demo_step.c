/* What all steps of the demonstration do alike. */
#include "cli/demo_step.h"

#include <stdio.h>

bool demo_post(struct demo *demo, const char *path, struct str body, struct api_answer *ret_answer)
{
    return api_call(demo->api, demo->arena, path, body, ret_answer, demo->error);
}

void demo_print_step(struct demo *demo, const char *what, const struct api_answer *answer,
                     struct str outcome)
{
    printf("%d  %-46s %d  %.*s\n", ++demo->step, what, answer->status, STR_ARG(outcome));
    fflush(stdout);
}

void demo_print_note(const char *note)
{
    printf("   %s\n", note);
}

bool demo_unexpected(struct demo *demo, const char *what, const struct api_answer *answer)
{
    return fail(demo->error, ERR_INTERNAL, "The demo failed: %s was answered with %d %.*s", what,
                answer->status, STR_ARG(answer->body));
}
