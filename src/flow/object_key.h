/* Keys of the objects that a run writes to S3 (AppFlow User Guide, "Amazon S3" and "Partition and
 * aggregation settings"; docs/flows.md has a table with examples):
 *
 *   BUCKETPREFIX/ FLOW/ schemaVersion_N/ YYYY/MM/DD/HH/mm/ EXECUTIONID/ PARTITION/ FILE
 *
 * A key follows from the run and the object's number alone, so a run that is done again after its
 * node died writes the same objects, and not others beside them. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "wire/value.h"

struct flow_engine_run;

enum { OBJECT_NUMBER_MAX = 100 * 1000 }; /* objects of one run */

struct object_key_config {
    struct str flow;        /* its name */
    struct str run;         /* executionId */
    int64_t started_at_ms;  /* of the run: what folders and names say, in UTC */
    int64_t schema_version; /* of the flow's definition */
    const struct value *s3; /* S3DestinationProperties, or what takes their place (staging.h); NULL:
                             * the destination takes no objects */
    bool has_parts;         /* there may be more than one object */
    bool has_folders;       /* a Partition task puts some between the prefix and the file */
};

/* Of the run's first destination. */
struct object_key_config object_key_config_of(const struct flow_engine_run *run);

/* What the keys of all of the run's objects begin with, ending with '/'. Other runs have it too. In
 * the arena. */
struct str object_key_prefix(const struct object_key_config *config, struct arena *arena);
/* The part of it that all runs at the same schemaVersion have in common, ending with '/'. */
struct str object_key_version_prefix(const struct object_key_config *config, struct arena *arena);
/* Whether each run has a folder of its own. */
bool object_key_has_run(const struct object_key_config *config);
/* The partition's folders of a key that begins with the run's prefix, ending with '/', or "". */
struct str object_key_folder(const struct object_key_config *config, struct str key);
/* Whether a key is one that this run, and no other, may write. */
bool object_key_is_own(const struct object_key_config *config, struct str key);

/* Whether the key is that of an object of this run, in whatever folder, and the number of it. */
bool object_key_number(const struct object_key_config *config, struct str key,
                       uint64_t *ret_number);

/* Of the object with this number, from 0. `partition`: its folders, ending with '/', or "".
 * ERR_VALIDATION when the key would be longer than S3 allows. */
_must_use_ bool object_key(const struct object_key_config *config, struct str partition,
                           uint64_t number, struct arena *arena, struct str *ret_key,
                           struct error *error);
