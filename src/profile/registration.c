/* Reading, authenticating and writing the rows of registered connectors. */
#include "profile/registration.h"

#include "base/buf.h"
#include "connector/custom/connector.h"
#include "vault/seal.h"
#include "vault/secret.h"

#include <stdio.h>

enum { NUMBERS_MAX = 80 };

static void compute_mac(const struct secret *service_secret, const struct connector_row *row,
                        unsigned char ret_mac[KEYED_HASH_SIZE])
{
    char numbers[NUMBERS_MAX];
    snprintf(numbers, sizeof(numbers), "%lld %lld %lld", (long long)row->version,
             (long long)row->registered_at_ms, (long long)row->updated_at_ms);
    struct str parts[] = {STR("connector"), row->key.account,  row->key.region,
                          row->key.label,   str_from(numbers), row->function_arn,
                          row->description, row->summary,      row->configuration};
    keyed_hash(service_secret, parts, sizeof(parts) / sizeof(*parts), ret_mac);
}

static bool is_authentic(const struct secret *service_secret, const struct connector_row *row)
{
    unsigned char mac[KEYED_HASH_SIZE];
    compute_mac(service_secret, row, mac);
    return secret_bytes_eq(row->mac, (struct str){(const char *)mac, sizeof(mac)});
}

static bool fail_row(struct str label, struct error *error)
{
    return fail(error, ERR_INTERNAL,
                "What is stored of connector %.*s was not written by this server. Remove it with "
                "UnregisterConnector and forceDelete, and register it again.",
                STR_ARG(label));
}

static bool find_row(const struct profile_context *context, struct store_reader *reader,
                     struct connector_key key, struct arena *arena, struct connector_row *ret_row,
                     bool *ret_found, struct error *error)
{
    struct store_reader *taken;
    if (reader)
        return connector_row_find(reader, arena, key, ret_row, ret_found, error);
    if (!store_point_reader_take(context->store, &taken, error))
        return false;
    bool ok = connector_row_find(taken, arena, key, ret_row, ret_found, error);
    store_point_reader_put(context->store, taken);
    return ok;
}

bool registration_open(const struct secret *service_secret, struct arena *arena,
                       struct registration *registration, struct error *error)
{
    struct error unreadable = {0};
    if (is_authentic(service_secret, &registration->row) &&
        contract_configuration_load(registration->row.configuration, arena,
                                    &registration->configuration, &unreadable))
        return true;
    if (unreadable.code == ERR_THROTTLING)
        return fail(error, ERR_THROTTLING, "%s", unreadable.message);
    return fail_row(registration->row.key.label, error);
}

bool registration_find(const struct profile_context *context, struct store_reader *reader,
                       struct connector_key key, struct arena *arena,
                       struct registration *ret_registration, bool *ret_found, struct error *error)
{
    *ret_registration = (struct registration){0};
    if (!find_row(context, reader, key, arena, &ret_registration->row, ret_found, error))
        return false;
    return !*ret_found ||
           registration_open(context->service_secret, arena, ret_registration, error);
}

static const struct connector *make(const struct registration *registration, struct arena *arena)
{
    return custom_connector_new(arena, &(struct custom_registration){
                                           .account = registration->row.key.account,
                                           .label = registration->row.key.label,
                                           .function_arn = registration->row.function_arn,
                                           .version = registration->row.version,
                                           .configuration = registration->configuration.declared,
                                       });
}

bool registration_connector(const struct profile_context *context, struct store_reader *reader,
                            struct str type, struct connector_key key, struct arena *arena,
                            const struct connector **ret_connector, struct error *error)
{
    struct registration *registration = arena_new(arena, struct registration);
    bool found = false;
    *ret_connector = key.label.len == 0 ? connector_by_type(type) : NULL;
    if (key.label.len == 0 || !str_eq(type, CUSTOM_CONNECTOR))
        return true;
    if (!registration_find(context, reader, key, arena, registration, &found, error))
        return false;
    if (found)
        *ret_connector = make(registration, arena);
    return true;
}

void registration_seal(const struct profile_context *context, struct registration *registration,
                       struct arena *arena)
{
    struct connector_row *row = &registration->row;
    unsigned char mac[KEYED_HASH_SIZE];
    row->summary = contract_configuration_summary(&registration->configuration, arena);
    row->configuration = contract_configuration_store(&registration->configuration, arena);
    compute_mac(context->service_secret, row, mac);
    row->mac = arena_copy(arena, (struct str){(const char *)mac, sizeof(mac)});
}

bool registration_fail_removed(struct str label, struct error *error)
{
    return fail(error, ERR_NOT_FOUND,
                "Connector:%.*s is not registered any more. Register it again under this label, "
                "or delete the ConnectorProfile.",
                STR_ARG(label));
}

struct str registration_arn(struct arena *arena, const struct connector_key *key)
{
    return arena_printf(arena, "arn:aws:appflow:%.*s:%.*s:connector/%.*s", STR_ARG(key->region),
                        STR_ARG(key->account), STR_ARG(key->label));
}
