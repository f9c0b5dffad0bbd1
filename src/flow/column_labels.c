/* Two maps, since a definition may have as many Map tasks as the vendor has fields. */
#include "flow/column_labels.h"

struct labelled_field {
    struct map_link link;
    const struct field_label *label;
};

struct written_column {
    struct map_link link;
    struct str field;
};

static void add_labels(struct column_labels *self, const struct vendor_description *description,
                       struct arena *arena)
{
    for (size_t i = 0; i < description->label_count; i++) {
        struct labelled_field *field = arena_new(arena, struct labelled_field);
        field->label = &description->labels[i];
        field->link.name = field->label->name;
        if (!map_find(&self->by_field, field->link.name))
            map_add(&self->by_field, &field->link);
    }
}

static void add_columns(struct column_labels *self, const struct value *tasks, struct arena *arena)
{
    for (size_t i = 0; tasks && i < tasks->count; i++) {
        const struct value *fields = value_get(tasks->items[i], "sourceFields");
        struct str to = value_text(tasks->items[i], "destinationField");
        bool is_map = str_eq(value_text(tasks->items[i], "taskType"), STR("Map"));
        if (!is_map || !fields || fields->count != 1 || map_find(&self->by_column, to))
            continue;
        struct written_column *column = arena_new(arena, struct written_column);
        column->link.name = to;
        column->field = fields->items[0]->text;
        map_add(&self->by_column, &column->link);
    }
}

void column_labels_init(struct column_labels *self, const struct value *tasks,
                        const struct vendor_description *description, struct arena *arena)
{
    *self = (struct column_labels){0};
    if (!description)
        return;
    add_labels(self, description, arena);
    add_columns(self, tasks, arena);
}

void column_labels_done(struct column_labels *self)
{
    map_done(&self->by_field);
    map_done(&self->by_column);
}

const struct field_label *column_labels_find(const struct column_labels *self, struct str column)
{
    const struct written_column *written =
        (const struct written_column *)map_find(&self->by_column, column);
    struct str field = written ? written->field : column;
    const struct labelled_field *found =
        (const struct labelled_field *)map_find(&self->by_field, field);
    return found ? found->label : NULL;
}
