/* Authenticating rows, and names and states of flows. */
#include "flow/flow.h"

#include "vault/seal.h"
#include "vault/secret.h"

#include <stdio.h>

enum { NUMBERS_MAX = 80 };

static void compute_mac(const struct secret *service_secret, const struct flow_row *row,
                        unsigned char ret_mac[KEYED_HASH_SIZE])
{
    char numbers[NUMBERS_MAX];
    snprintf(numbers, sizeof(numbers), "%lld %lld %lld", (long long)row->version,
             (long long)row->created_at_ms, (long long)row->updated_at_ms);
    struct str parts[] = {STR("flow"),       row->key.account,    row->key.region,
                          row->key.name,     str_from(numbers),   row->status,
                          row->trigger_type, row->source_profile, row->destination_profile,
                          row->summary,      row->definition};
    keyed_hash(service_secret, parts, sizeof(parts) / sizeof(*parts), ret_mac);
}

void flow_seal(const struct secret *service_secret, struct flow_row *row, struct arena *arena)
{
    unsigned char mac[KEYED_HASH_SIZE];
    compute_mac(service_secret, row, mac);
    row->mac = arena_copy(arena, (struct str){(const char *)mac, sizeof(mac)});
}

bool flow_check_seal(const struct secret *service_secret, const struct flow_row *row,
                     struct error *error)
{
    unsigned char mac[KEYED_HASH_SIZE];
    compute_mac(service_secret, row, mac);
    return secret_bytes_eq(row->mac, (struct str){(const char *)mac, sizeof(mac)}) ||
           fail(error, ERR_INTERNAL,
                "What is stored of flow %.*s was not written by this server. Remove it with "
                "DeleteFlow and forceDelete, and create it again.",
                STR_ARG(row->key.name));
}

struct str flow_arn(struct arena *arena, const struct flow_key *key)
{
    return arena_printf(arena, "arn:aws:appflow:%.*s:%.*s:flow/%.*s", STR_ARG(key->region),
                        STR_ARG(key->account), STR_ARG(key->name));
}

struct str flow_first_status(struct str trigger_type)
{
    return str_eq(trigger_type, STR("OnDemand")) ? STR("Active") : STR("Draft");
}
