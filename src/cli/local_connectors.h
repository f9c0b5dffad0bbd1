/* The local connectors of a server: its options' part of connector/custom/local_runner.h. */
#pragma once

#include "base/error.h"
#include "cli/harden.h"
#include "cli/options.h"
#include "connector/custom/local_runner.h"

struct local_connectors {
    const struct options *options;
    struct supervisor *supervisor;     /* NULL: the server has no local connectors */
    struct local_functions *functions; /* the runner's once it is there */
    struct local_runner *runner;
};

/* Whether what the options name can be read, and says what it should. */
_must_use_ bool local_connectors_check(const struct options *options, struct error *error);

/* Reads the list and forks the supervisor. Call before the process restricts itself, starts threads
 * and reads secrets. */
_must_use_ bool local_connectors_prepare(const struct options *options, enum hardening hardening,
                                         struct local_connectors *ret_connectors,
                                         struct error *error);
/* Adds the runner to the list, if there are local connectors. */
_must_use_ bool local_connectors_start(struct local_connectors *connectors,
                                       struct function_sessions *sessions,
                                       struct memory_limit *memory, struct function_runner **list,
                                       struct error *error);
/* The server's address is known: "http://127.0.0.1:8620". */
void local_connectors_serve(struct local_connectors *connectors, const char *endpoint);

/* Reads the files again, and logs what came of it. */
void local_connectors_reload(struct local_connectors *connectors);

void local_connectors_stop(struct local_connectors *connectors); /* ends their processes */
void local_connectors_done(struct local_connectors *connectors); /* when no call is in hand */
