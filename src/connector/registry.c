/* Which connectors there are. */
#include "connector/connector.h"

const struct connector *connector_by_type(struct str type)
{
    for (size_t i = 0; i < connector_builtin_count; i++) {
        if (str_eq(connector_builtin[i]->type, type))
            return connector_builtin[i];
    }
    return NULL;
}

const struct connector *connector_by_key(struct str key)
{
    for (size_t i = 0; i < connector_builtin_count; i++) {
        if (str_eq(connector_builtin[i]->key, key))
            return connector_builtin[i];
    }
    return NULL;
}

size_t connector_count(void)
{
    return connector_builtin_count;
}

const struct connector *connector_at(size_t index)
{
    return connector_builtin[index];
}

size_t connector_index(const struct connector *connector)
{
    size_t index = 0;
    while (index < connector_builtin_count && connector_builtin[index] != connector)
        index++;
    return index;
}

bool connector_is_built(const struct connector *connector)
{
    return connector->ops && connector->ops->verify;
}
