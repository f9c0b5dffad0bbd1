/* Values of records in the forms of OData: in JSON, and as literals of keys in URLs. Version 2
 * (odata.org, "JSON Format" and "Overview", 6) writes decimals and long numbers as texts and times
 * as "/Date(ms)/"; version 4 ("JSON Format" 4.01, 7.1) has times of ISO 8601, and with
 * IEEE754Compatible=true, as we send it, decimals and long numbers as texts: no digit is lost. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/* Adds a JSON value's text as one of a property of this type ("Edm.Decimal"). What the type does
 * not tell how to change is added as it is, for the service to judge. */
void sapodata_value_add(struct str type, bool is_v4, struct str value, struct buf *out);

/* Adds a JSON value's text as a literal. False: it is no value of such a type. */
bool sapodata_literal_add(struct str type, bool is_v4, struct str value, struct arena *scratch,
                          struct buf *out);
