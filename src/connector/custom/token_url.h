/* Token URLs that a connector declares, or the operator allows. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

/* Whether a profile's URL is the declared one, byte for byte, except that a place-holder {{NAME}}
 * in the declaration stands for one or more letters, digits, '-', '_' and '.', which end no part of
 * a URL: what follows it in the declaration stays where it is, so a tenant's name cannot move the
 * request to another host than the declaration's. */
bool custom_token_url_matches(struct str declared, struct str url);
