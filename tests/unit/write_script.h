/* Writing records to a scripted vendor or function (connector_script.h) in one batch, as a run
 * does. */
#pragma once

#include "connector_script.h"

#include "connector/writing.h"

/* What a flow writes. */
struct write_asked {
    enum write_operation operation;
    const char *shape;       /* of the destination's properties in the model; NULL: none */
    const char *destination; /* these properties, JSON */
    const char *entity;
    const char *api_version; /* NULL: none */
    const char *id_field;    /* NULL: none */
    const struct str *records;
    size_t count;
    struct write_outcome *outcomes; /* NULL: they are new, and left in the script's arena */
    struct arena *texts;            /* of the outcomes; NULL: the script's */
    size_t kept;                    /* bytes that the connection keeps of the writes */
    struct vendor_caller caller;
};

/* For script_run_with, with a struct write_asked. A connection whose token is refused is renewed,
 * and the batch given again. */
script_fn script_write;

/* A line for each record: its outcome, and the id or the reason. */
const char *write_outcomes(struct script *script, const struct write_asked *asked);

/* Members of struct write_asked. */
#define WRITE_RECORDS(...)                                                                         \
    .records = (const struct str[]){__VA_ARGS__},                                                  \
    .count = sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)
