/* What a flow writes: formats of objects, write operations, the key that encrypts. */
#pragma once

#include "flow/checking.h"

/* After flow_ends_check. `kms_arn`: of the flow; STR_NULL: none. */
void flow_output_check(struct flow_checking *checking, struct str kms_arn);
