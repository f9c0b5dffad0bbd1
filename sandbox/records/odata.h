/* What reads and writes of OData have in common. */
#pragma once

#include "sandbox/records/dialect.h"

/* Answers an error in the form of the version. */
void odata_refuse(struct records_exchange *exchange, int version, int status, struct str message);

/* The address of an entity in the set at a path; its key is a text without quotes. In the
 * exchange's arena. */
struct str odata_address(const struct records_exchange *exchange, struct str path,
                         const struct sample_entity *entity, size_t row);

/* `"__metadata":{…},` of version 2. */
void odata_print_metadata(struct buf *out, const struct sample_entity *entity, struct str address);
