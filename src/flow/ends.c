/* Types, properties, profiles and the pair. The model has made sure of every single member. */
#include "flow/ends.h"

#include "connector/catalogue.h"
#include "profile/registration.h"
#include "store/profiles.h"

enum { TYPES_TEXT_MAX = 1024 };

bool flow_has_text(const struct value *list, struct str text)
{
    for (size_t i = 0; list && i < list->count; i++) {
        if (list->items[i]->kind == VALUE_STRING && str_eq(list->items[i]->text, text))
            return true;
    }
    return false;
}

static const char *role_name(const struct flow_end *end)
{
    return end->role == ROLE_SOURCE ? "source" : "destination";
}

/* --- properties --- */

static void check_properties(struct flow_checking *checking, const struct flow_end *end)
{
    const struct value *properties = value_get(end->config, end->properties);
    if (properties && properties->count == 1 && flow_end_properties(end))
        return;
    flow_fault(&checking->faults,
               "%s must have the member %.*s and no other, since connectorType is %.*s",
               end->properties, STR_ARG(end->connector->key), STR_ARG(end->type));
}

/* --- connector profiles --- */

static bool find_profile(struct flow_checking *checking, const struct flow_end *end,
                         struct profile *ret_profile, bool *ret_found)
{
    struct store *store = checking->context->store;
    struct store_reader *reader;
    struct profile_key key = {checking->account, checking->region, end->profile};
    if (!store_point_reader_take(store, &reader, checking->error))
        return false;
    bool ok = profile_find(reader, checking->arena, key, ret_profile, ret_found, checking->error);
    store_point_reader_put(store, reader);
    return ok;
}

static void check_mode(struct flow_checking *checking, const struct flow_end *end)
{
    struct str mode = end->role == ROLE_SOURCE ? STR("SOURCE") : STR("DESTINATION");
    if (!flow_has_text(value_get(end->declared, "connectorModes"), mode))
        flow_fault(&checking->faults,
                   "Connector %.*s can not be used as a %s: it declares no mode "
                   "%.*s",
                   STR_ARG(end->label), role_name(end), STR_ARG(mode));
}

static void check_api_version(struct flow_checking *checking, const struct flow_end *end)
{
    const struct value *versions = value_get(end->declared, "supportedApiVersions");
    struct str version = value_text(end->config, "apiVersion");
    struct buf list = buf_in(checking->arena, TYPES_TEXT_MAX);
    if (!version.data || flow_has_text(versions, version))
        return;
    for (size_t i = 0; versions && i < versions->count; i++)
        buf_add_item(&list, versions->items[i]->text);
    flow_fault(&checking->faults, "%s.apiVersion must be one that connector %.*s supports: %.*s",
               end->name, STR_ARG(end->label), STR_ARG(flow_shown(buf_str(&list))));
}

/* Of an account's own connector: what it declares about itself. */
static bool check_registered(struct flow_checking *checking, struct flow_end *end)
{
    struct connector_key key = {checking->account, checking->region, end->label};
    struct registration *registration = arena_new(checking->arena, struct registration);
    bool found;
    if (!registration_find(checking->context, NULL, key, checking->arena, registration, &found,
                           checking->error))
        return false;
    if (!found) {
        flow_fault(&checking->faults,
                   "Connector %.*s of connector profile %.*s is not registered any more. Register "
                   "it again under this label",
                   STR_ARG(end->label), STR_ARG(flow_shown(end->profile)));
        return true;
    }
    end->declared = registration->configuration.api;
    check_mode(checking, end);
    check_api_version(checking, end);
    return true;
}

/* What is named for an end that needs no profile is not looked up: clients send made-up names. */
static bool check_profile(struct flow_checking *checking, struct flow_end *end)
{
    struct profile profile;
    bool found;
    if (end->connector->without_profiles)
        return true;
    if (!end->profile.data) {
        flow_fault(&checking->faults,
                   "%s.connectorProfileName must name a connector profile for %.*s", end->name,
                   STR_ARG(end->type));
        return true;
    }
    if (!find_profile(checking, end, &profile, &found))
        return false;
    if (!found) {
        checking->missing_profiles[checking->missing_count++] = end->profile;
    } else if (!str_eq(profile.connector_type, end->type)) {
        flow_fault(&checking->faults,
                   "%s.connectorProfileName must name a connector profile for %.*s; %.*s is for "
                   "%.*s",
                   end->name, STR_ARG(end->type), STR_ARG(flow_shown(end->profile)),
                   STR_ARG(profile.connector_type));
    } else if (profile.connector_label.len > 0) {
        end->label = profile.connector_label;
        return check_registered(checking, end);
    }
    return true;
}

static bool check_end(struct flow_checking *checking, struct flow_end *end)
{
    if (!end->connector)
        return true; /* there is no destination, which is a fault of its own */
    if (!(end->connector->roles & end->role)) {
        flow_fault(&checking->faults, "Connector %.*s can not be used as a %s", STR_ARG(end->type),
                   role_name(end));
        return true;
    }
    check_properties(checking, end);
    return check_profile(checking, end);
}

/* --- the pair --- */

static const struct connector_texts *destinations_of(const struct catalogue_entry *entry)
{
    return entry->flows.destinations.count > 0 ? &entry->flows.destinations : &entry->destinations;
}

static void check_pair(struct flow_checking *checking)
{
    const struct flow_end *source = &checking->definition->source;
    const struct flow_end *destination = &checking->definition->destination;
    struct buf list = buf_in(checking->arena, TYPES_TEXT_MAX);
    if (!source->connector || !(source->connector->roles & ROLE_SOURCE) ||
        !destination->connector || !(destination->connector->roles & ROLE_DESTINATION))
        return;
    const struct connector_texts *types = destinations_of(source->connector->catalogue);
    if (connector_texts_have(types, destination->type))
        return;
    for (size_t i = 0; i < types->count; i++)
        buf_add_item(&list, str_from(types->rows[i]));
    flow_fault(&checking->faults, "A flow from %.*s can not go to %.*s, but to one of: %.*s",
               STR_ARG(source->type), STR_ARG(destination->type), STR_ARG(buf_str(&list)));
}

bool flow_ends_check(struct flow_checking *checking)
{
    struct flow_definition *definition = checking->definition;
    if (definition->destination_count != 1)
        flow_fault(&checking->faults,
                   "destinationFlowConfigList must have exactly one destination");
    check_pair(checking);
    return check_end(checking, &definition->source) &&
           check_end(checking, &definition->destination);
}
