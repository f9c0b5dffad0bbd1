/* Seals all stored values again with the key in use (api/key_state.h), while servers run. Each
 * value is opened and sealed as a whole, with a new data key: the id of the keyring's key is a part
 * of what both encryptions of a value are bound to (vault/seal.h). The service secret stays the
 * same, and so do the audit's keys, which are derived from it. */
#pragma once

#include "profile/renew.h"

/* One pass over everything. A node that had not yet changed to the key in use may have sealed
 * values in tables that the pass had already read; the next pass finds them. */
_must_use_ bool key_renew_all(struct renewal *renewal, struct error *error);
