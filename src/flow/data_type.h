/* Names of types in tasks: DATA_TYPE, SOURCE_DATA_TYPE, DESTINATION_DATA_TYPE. Each connector has
 * names of its own, and says them as `fieldType` of DescribeConnectorEntity; which of them mean
 * what is the table of docs/flows.md#types, with where each comes from. */
#pragma once

#include "record/convert.h"

/* What values of the type are: text, integer, decimal, boolean, timestamp, date, bytes, or nested.
 * Capitals and small letters are one. RECORD_NULL: the name is not known, or STR_NULL; its values
 * stay as they are.
 *
 * A decimal has a precision, which a column needs that is not of texts: 20 digits in front of the
 * point, and 18 behind it. */
struct record_conversion data_type_of(struct str name);
