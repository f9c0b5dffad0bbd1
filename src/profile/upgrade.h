/* Seals everything that belongs to profiles in form 2 (vault/seal.h): at the first start, or by the
 * first command, with a database of an earlier version, before anything else reads it. */
#pragma once

#include "base/error.h"
#include "store/core/store.h"
#include "vault/keyring.h"

/* Profiles, OAuth tokens, token grants and OAuth apps. Tokens that are sealed together with their
 * profile's credentials (before schema 8) move into rows of their own. Only for a database whose
 * service secret still is in form 1: in any other, form 1 opens nowhere.
 *
 * Works in pages, each in a transaction; if it is interrupted, the next start continues it. A value
 * that does not open stays as it is, with a warning: it does not open later either, and new
 * credentials mend it. Takes about two seconds for 50,000 profiles; logs its progress. */
_must_use_ bool profile_upgrade(struct store *store, const struct keyring *keyring,
                                struct error *error);
