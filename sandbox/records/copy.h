/* COPY as Redshift has it, for the two ways in which it is sent. */
#pragma once

#include "sandbox/records/loaded.h"

struct copy_fault {
    const char *sqlstate;
    struct str message;
};

/* Runs "COPY TABLE FROM 's3://…' … MANIFEST …"; with a token not a second time for the same one.
 * False: the database refuses it so. */
bool copy_statement_run(struct loaded *loaded, struct str sql, struct str token,
                        struct arena *arena, struct copy_fault *ret_fault);
