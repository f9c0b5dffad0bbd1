/* The configurations that a sandbox file lists, made ready to send. */
#pragma once

#include "sandbox/vendor.h"

/* Everything that works once or for a short time is made anew: "{fresh}" becomes random letters,
 * "{jwt sub=… aud=… ttl_s=…}" an assertion by the vendor's first client. */
struct value *profile_config(const struct vendor *vendor, const struct vendor_profile *profile,
                             struct arena *arena);
