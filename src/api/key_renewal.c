/* What belongs to the server rather than to profiles: access keys, their state, the service secret;
 * all of each at once. */
#include "api/key_renewal.h"

#include "api/access_key_set.h"
#include "api/service_keys.h"
#include "store/meta.h"
#include "store/sealed.h"

static bool is_old(const struct renewal *renewal, struct str sealed)
{
    return !str_eq(seal_key_id(sealed), keyring_primary_id(renewal->keyring));
}

static bool replace_access_key(struct db *db, const struct renewed *value, struct error *error)
{
    const struct access_key *row = value->row;
    return sealed_access_key_replace(db, row->id, value->fresh, value->old, error);
}

static bool replace_meta(struct db *db, const struct renewed *value, struct error *error)
{
    bool replaced;
    const struct str *name = value->row;
    return meta_replace(db, *name, value->old, value->fresh, &replaced, error);
}

static bool read_access_keys(struct renewal *renewal, struct access_key **ret_keys,
                             size_t *ret_count, struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(renewal->store, &reader, error))
        return false;
    bool ok = access_key_list(reader, &renewal->arena, ret_keys, ret_count, error);
    store_reader_put(renewal->store, reader);
    return ok;
}

static bool renew_access_keys(struct renewal *renewal, struct error *error)
{
    struct access_key *keys;
    size_t all = 0, count = 0;
    if (!read_access_keys(renewal, &keys, &all, error))
        return false;
    struct renewed *values = arena_array(&renewal->arena, struct renewed, all + 1);
    for (size_t i = 0; i < all; i++) {
        if (is_old(renewal, keys[i].sealed_secret))
            values[count++] = (struct renewed){.binding = access_key_binding(&keys[i]),
                                               .old = keys[i].sealed_secret,
                                               .row = &keys[i]};
    }
    bool ok = renewal_page(renewal, values, count, replace_access_key, error);
    arena_reset(&renewal->arena);
    return ok;
}

static bool renew_meta(struct renewal *renewal, struct str name, const struct seal_binding *binding,
                       struct error *error)
{
    struct store_reader *reader;
    struct str sealed;
    if (!store_reader_take(renewal->store, &reader, error))
        return false;
    bool ok = meta_get(reader, &renewal->arena, name, &sealed, error);
    store_reader_put(renewal->store, reader);
    struct renewed value = {.binding = *binding, .old = sealed, .row = &name};
    ok = ok && (!sealed.data || !is_old(renewal, sealed) ||
                renewal_page(renewal, &value, 1, replace_meta, error));
    arena_reset(&renewal->arena);
    return ok;
}

bool key_renew_all(struct renewal *renewal, struct error *error)
{
    return profile_renew(renewal, error) && renew_access_keys(renewal, error) &&
           renew_meta(renewal, ACCESS_KEY_STATE_NAME, &access_key_state_binding, error) &&
           renew_meta(renewal, SERVICE_SECRET_NAME, &service_secret_binding, error);
}
