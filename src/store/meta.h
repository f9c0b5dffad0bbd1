/* The server's own named values, and the operator's OAuth apps. */
#pragma once

#include "store/core/store.h"

/* A named value; binary. STR_NULL when there is none. */
_must_use_ bool meta_get(struct store_reader *reader, struct arena *arena, struct str name,
                         struct str *ret_value, struct error *error);
/* The same inside a write. */
_must_use_ bool meta_read(struct db *db, struct arena *arena, struct str name,
                          struct str *ret_value, struct error *error);
_must_use_ bool meta_put(struct db *db, struct str name, struct str value, struct error *error);
/* Inserts if absent, so that of two concurrent first starts one wins. */
_must_use_ bool meta_put_once(struct db *db, struct str name, struct str value, bool *ret_put,
                              struct error *error);
/* Replaces the value where it still is `old` (compare and swap). */
_must_use_ bool meta_replace(struct db *db, struct str name, struct str old, struct str value,
                             bool *ret_replaced, struct error *error);

struct meta_value {
    struct str name, value;
};

/* Values whose names are between two others, bytewise, in their order. */
_must_use_ bool meta_list(struct store_reader *reader, struct arena *arena, struct str after,
                          struct str before, struct meta_value **ret_values, size_t *ret_count,
                          struct error *error);
_must_use_ bool meta_delete_between(struct db *db, struct str after, struct str before,
                                    struct error *error);

/* The client id and secret of the operator's OAuth app at a vendor, by connector type. */
struct oauth_app_row {
    struct str connector_type;
    struct str client_id;
    struct str sealed_secret;
    int64_t updated_at_ms;
};
_must_use_ bool oauth_app_find(struct store_reader *reader, struct arena *arena,
                               struct str connector_type, struct oauth_app_row *ret_app,
                               bool *ret_found, struct error *error);
_must_use_ bool oauth_app_list(struct store_reader *reader, struct arena *arena,
                               struct oauth_app_row **ret_apps, size_t *ret_count,
                               struct error *error);
_must_use_ bool oauth_app_put(struct db *db, const struct oauth_app_row *app, struct error *error);
/* ERR_NOT_FOUND when there is none. */
_must_use_ bool oauth_app_delete(struct db *db, struct str connector_type, struct error *error);
/* Replaces the sealed secret where it still is `old`. */
_must_use_ bool oauth_app_reseal(struct db *db, const struct oauth_app_row *app, struct str old,
                                 struct error *error);
