/* The text is JSON, and small: what grows with the run is in rows of its own. */
#include "flow/progress.h"

#include "base/encode.h"
#include "wire/json_value.h"
#include "wire/value.h"

#include <string.h>

enum {
    PROGRESS_NODES_MAX = 1024 + RECORD_COLUMNS_MAX, /* values and names of the text */
    OBJECTS_ROOM = 16,                              /* at first */
};

static const char *const left_out_names[LEFT_OUT_KINDS] = {
    [LEFT_UNREADABLE] = "unreadable",  [LEFT_FILTERED] = "filtered",
    [LEFT_INVALID] = "invalid",        [LEFT_NOT_A_NUMBER] = "notANumber",
    [LEFT_BY_ZERO] = "divisionByZero", [LEFT_TOO_LONG] = "tooLong",
    [LEFT_REFUSED] = "refused",        [LEFT_UNKNOWN] = "unknown",
};

void flow_progress_leave_out(struct flow_progress *progress, enum flow_left_out why,
                             struct str page, const struct record_place *place, struct str reason)
{
    progress->left_out[why]++;
    if (progress->sample_count == FLOW_SAMPLES_MAX)
        return;
    progress->samples[progress->sample_count++] = (struct flow_sample){
        .page = arena_copy(progress->arena, utf8_cut(page, FLOW_SAMPLE_NAME_MAX)),
        .position = place->position,
        .line = place->line,
        .reason = arena_copy(progress->arena, reason),
    };
}

void flow_progress_add_object(struct flow_progress *progress, const struct flow_run_object *object)
{
    struct arena *arena = &progress->pending;
    if (progress->new_object_count == progress->new_object_room) {
        size_t room = progress->new_object_room > 0 ? 2 * progress->new_object_room : OBJECTS_ROOM;
        struct flow_run_object *objects = arena_array(arena, struct flow_run_object, room);
        if (progress->new_object_count > 0)
            memcpy(objects, progress->new_objects, progress->new_object_count * sizeof(*objects));
        progress->new_objects = objects;
        progress->new_object_room = room;
    }
    struct flow_run_object *kept = &progress->new_objects[progress->new_object_count++];
    *kept = *object;
    kept->number = (int64_t)progress->objects++;
    kept->key = arena_copy(arena, object->key);
    kept->sha256 = arena_copy(arena, object->sha256);
}

void flow_progress_committed(struct flow_progress *progress)
{
    arena_reset(&progress->pending);
    progress->cursor = STR_NULL;
    progress->new_objects = NULL;
    progress->new_object_count = progress->new_object_room = 0;
}

uint64_t flow_progress_failures(const struct flow_progress *progress)
{
    const uint64_t *left_out = progress->left_out;
    return left_out[LEFT_UNREADABLE] + left_out[LEFT_NOT_A_NUMBER] + left_out[LEFT_BY_ZERO] +
           left_out[LEFT_TOO_LONG] + left_out[LEFT_REFUSED] + left_out[LEFT_UNKNOWN];
}

void flow_progress_done(struct flow_progress *progress)
{
    arena_done(&progress->pending);
    run_columns_done(&progress->columns);
}

/* --- its text --- */

static struct value *left_out_value(const struct flow_progress *progress, struct arena *arena)
{
    struct value *value = value_structure(arena);
    for (int i = 0; i < LEFT_OUT_KINDS; i++) {
        if (progress->left_out[i] > 0)
            value_put_integer(arena, value, left_out_names[i], (int64_t)progress->left_out[i]);
    }
    return value;
}

static struct value *samples_value(const struct flow_progress *progress, struct arena *arena)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < progress->sample_count; i++) {
        const struct flow_sample *sample = &progress->samples[i];
        struct value *value = value_structure(arena);
        value_put_text(arena, value, "page", sample->page);
        value_put_integer(arena, value, "position", (int64_t)sample->position);
        if (sample->line > 0)
            value_put_integer(arena, value, "line", (int64_t)sample->line);
        value_put_text(arena, value, "reason", sample->reason);
        value_append(arena, list, value);
    }
    return list;
}

struct str flow_progress_text(const struct flow_progress *progress, bool ended, struct arena *arena)
{
    struct value *value = value_structure(arena);
    struct buf text = buf_in(arena, FLOW_PROGRESS_MAX);
    value_put_integer(arena, value, "pages", (int64_t)progress->pages);
    value_put_integer(arena, value, "objects", (int64_t)progress->objects);
    value_put_integer(arena, value, "recordsWritten", (int64_t)progress->written);
    if (progress->twice > 0)
        value_put_integer(arena, value, "perhapsTwice", (int64_t)progress->twice);
    value_put(arena, value, "leftOut", left_out_value(progress, arena));
    value_put(arena, value, "samples", samples_value(progress, arena));
    if (!ended) {
        value_put_text(arena, value, "cursor", progress->cursor);
        value_put_text(arena, value, "load", progress->load);
        value_put_flag(arena, value, "hasBegun", progress->has_begun);
        if (progress->columns.count > 0)
            value_put(arena, value, "columns", run_columns_value(&progress->columns, arena));
    }
    value_encode(&text, value);
    return buf_str(&text);
}

static bool read_count(const struct value *value, const char *name, uint64_t *ret_count)
{
    int64_t count = value_integer(value, name, 0);
    *ret_count = (uint64_t)count;
    return count >= 0;
}

static bool read_samples(const struct value *list, struct flow_progress *progress)
{
    size_t count = list ? list->count : 0;
    if (count > FLOW_SAMPLES_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct value *value = list->items[i];
        struct flow_sample *sample = &progress->samples[i];
        sample->page = value_text(value, "page");
        sample->reason = value_text(value, "reason");
        if (!read_count(value, "position", &sample->position) ||
            !read_count(value, "line", &sample->line))
            return false;
    }
    progress->sample_count = count;
    return true;
}

bool flow_progress_read(struct str text, struct arena *arena, struct flow_progress *ret_progress)
{
    struct value *value = NULL;
    bool ok = true;
    *ret_progress = (struct flow_progress){.arena = arena, .pending = arena_beside(arena)};
    run_columns_init(&ret_progress->columns, arena);
    if (!text.data)
        return true;
    if (json_parse_own(text, PROGRESS_NODES_MAX, arena, &value) != JSON_READ)
        return false;
    const struct value *left_out = value_get(value, "leftOut");
    for (int i = 0; ok && i < LEFT_OUT_KINDS; i++)
        ok = read_count(left_out, left_out_names[i], &ret_progress->left_out[i]);
    ret_progress->cursor = value_text(value, "cursor");
    ret_progress->load = value_text(value, "load");
    ret_progress->has_begun = value_flag(value, "hasBegun", false);
    return ok && read_count(value, "pages", &ret_progress->pages) &&
           read_count(value, "objects", &ret_progress->objects) &&
           read_count(value, "recordsWritten", &ret_progress->written) &&
           read_count(value, "perhapsTwice", &ret_progress->twice) &&
           read_samples(value_get(value, "samples"), ret_progress) &&
           run_columns_read(&ret_progress->columns, value_get(value, "columns"));
}
