/* What the two kinds of seals have in common: under a key of the keyring, and under a data key that
 * something else wraps. */
#pragma once

#include "vault/seal.h"

/* The associated data of a sealed value: `head`, then what it is bound to. ERR_TOO_LARGE past
 * SEAL_BINDING_MAX. */
_must_use_ bool seal_associate(struct str head, const struct seal_binding *binding,
                               struct arena *arena, struct str *ret_associated,
                               struct error *error);
