/* Batches of records that are written: their parts and their outcomes. */
#include "connector/writing.h"

static const char *const operations[] = {
    [WRITE_INSERT] = "INSERT",
    [WRITE_UPDATE] = "UPDATE",
    [WRITE_UPSERT] = "UPSERT",
    [WRITE_DELETE] = "DELETE",
};

const char *write_operation_name(enum write_operation operation)
{
    return operations[operation];
}

enum write_operation write_operation_of(struct str name)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
        if (str_eq(name, str_from(operations[i])))
            return (enum write_operation)i;
    }
    return WRITE_INSERT;
}

/* --- parts --- */

static void refuse_long(struct write_batch *batch, size_t place, size_t bytes_max)
{
    write_refused(batch, place,
                  arena_printf(batch->arena,
                               "the record has %zu bytes of JSON, and a call takes at most %zu",
                               batch->records[place].len, bytes_max));
}

bool write_part_next(struct write_batch *batch, const struct write_limits *limits,
                     struct write_part *part)
{
    part->count = 0;
    part->bytes = 0;
    size_t most = limits->records < WRITE_RECORDS_MAX ? limits->records : WRITE_RECORDS_MAX;
    for (; part->next < batch->count && part->count < most; part->next++) {
        size_t bytes = batch->records[part->next].len;
        if (batch->outcomes[part->next].end != WRITE_LEFT)
            continue;
        if (bytes > limits->bytes) {
            refuse_long(batch, part->next, limits->bytes);
            continue;
        }
        if (bytes > limits->bytes - part->bytes)
            break;
        part->places[part->count++] = part->next;
        part->bytes += bytes;
    }
    return part->count > 0;
}

void write_part_halve(struct write_part *part)
{
    part->count /= 2;
    part->next = part->places[part->count];
}

void write_part_end(struct write_batch *batch, const struct write_part *part, enum write_end end)
{
    for (size_t i = 0; i < part->count; i++) {
        struct write_outcome *outcome = &batch->outcomes[part->places[i]];
        if (outcome->end == WRITE_LEFT || outcome->end == WRITE_TAKEN)
            outcome->end = end;
    }
}

void write_part_taken(const struct write_batch *batch, struct write_part *ret_part)
{
    ret_part->count = 0;
    ret_part->bytes = 0;
    ret_part->next = 0;
    for (size_t i = 0; i < batch->count && ret_part->count < WRITE_RECORDS_MAX; i++) {
        if (batch->outcomes[i].end != WRITE_TAKEN)
            continue;
        ret_part->places[ret_part->count++] = i;
        ret_part->bytes += batch->records[i].len;
    }
}

bool write_batch_is_known(const struct write_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        enum write_end end = batch->outcomes[i].end;
        if (end != WRITE_DONE && end != WRITE_REFUSED)
            return false;
    }
    return true;
}

/* --- outcomes --- */

void write_done(struct write_batch *batch, size_t place, struct str id)
{
    bool is_fit = id.len > 0 && id.len <= WRITE_ID_MAX;
    batch->outcomes[place] = (struct write_outcome){
        .end = WRITE_DONE,
        .id = is_fit ? arena_copy(batch->arena, id) : STR_NULL,
    };
}

void write_refused(struct write_batch *batch, size_t place, struct str message)
{
    struct str given = message.len > 0 ? message : STR("the vendor gives no reason");
    batch->outcomes[place] = (struct write_outcome){
        .end = WRITE_REFUSED,
        .message = arena_copy(batch->arena, given),
    };
}
