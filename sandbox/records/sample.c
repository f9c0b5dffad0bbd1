/* Finds entities and fields by name. */
#include "sandbox/records/sample.h"

const struct sample_entity *sample_find(const struct sample_set *set, struct str name)
{
    for (size_t i = 0; set && i < set->entity_count; i++)
        if (str_eq(set->entities[i].name, name))
            return &set->entities[i];
    return NULL;
}

const struct sample_entity *sample_find_nocase(const struct sample_set *set, struct str name)
{
    for (size_t i = 0; set && i < set->entity_count; i++)
        if (str_eq_nocase(set->entities[i].name, name))
            return &set->entities[i];
    return NULL;
}

const struct sample_field *sample_field_find(const struct sample_entity *entity, struct str name)
{
    for (size_t i = 0; i < entity->field_count; i++)
        if (str_eq(entity->fields[i].name, name))
            return &entity->fields[i];
    return NULL;
}

const struct sample_field *sample_field_find_nocase(const struct sample_entity *entity,
                                                    struct str name)
{
    for (size_t i = 0; i < entity->field_count; i++)
        if (str_eq_nocase(entity->fields[i].name, name))
            return &entity->fields[i];
    return NULL;
}
