/* Seals everything that belongs to profiles again with the key in use, while servers run: the
 * rotation of keys (api/key_renewal.h). */
#pragma once

#include "base/error.h"
#include "store/core/store.h"
#include "vault/seal.h"

/* A value that is sealed with another key. */
struct renewed {
    struct seal_binding binding;
    struct str old;
    struct str fresh; /* STR_NULL: the old one does not open */
    const void *row;
};

/* Replaces `old` by `fresh` where it still is stored. Inside a write. */
typedef bool renewed_replace_fn(struct db *db, const struct renewed *value, struct error *error);

struct renewal {
    struct store *store;
    const struct keyring *keyring;
    void (*tell)(struct renewal *renewal); /* after each page; may be NULL */
    size_t done;
    size_t unreadable;  /* left as they are, with a warning each */
    struct arena arena; /* of a page */
};

/* Seals a page's values again and replaces them in one transaction. */
_must_use_ bool renewal_page(struct renewal *renewal, struct renewed *values, size_t count,
                             renewed_replace_fn *replace, struct error *error);

/* Profiles and OAuth tokens, with the previous ones of both, token grants and OAuth apps: one pass
 * over those that are sealed with another key than the one in use. Interrupted at any point, the
 * next pass does what is left. */
_must_use_ bool profile_renew(struct renewal *renewal, struct error *error);
