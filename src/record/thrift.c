/* A field is its header (type, and its id as the distance from the field before), then its value.
 */
#include "record/thrift.h"

#include <assert.h>

static uint64_t zigzag(int64_t number)
{
    return (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
}

static void header(struct thrift *thrift, int id, enum thrift_type type)
{
    int *last = &thrift->last[thrift->depth];
    int delta = id - *last;
    if (id == 0) /* an item of a list, which has no header */
        return;
    assert(delta > 0);
    if (delta <= 15) {
        byte_buffer_add_byte(thrift->out, (unsigned)delta << 4 | type);
    } else {
        byte_buffer_add_byte(thrift->out, type);
        byte_buffer_add_varint(thrift->out, zigzag(id));
    }
    *last = id;
}

void thrift_bool(struct thrift *thrift, int id, bool value)
{
    assert(id > 0); /* lists of booleans have another form, and Parquet has none of them */
    header(thrift, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_i32(struct thrift *thrift, int id, int32_t value)
{
    header(thrift, id, THRIFT_I32);
    byte_buffer_add_varint(thrift->out, zigzag(value));
}

void thrift_i64(struct thrift *thrift, int id, int64_t value)
{
    header(thrift, id, THRIFT_I64);
    byte_buffer_add_varint(thrift->out, zigzag(value));
}

void thrift_binary(struct thrift *thrift, int id, struct str value)
{
    header(thrift, id, THRIFT_BINARY);
    byte_buffer_add_varint(thrift->out, value.len);
    byte_buffer_add(thrift->out, value.data, value.len);
}

void thrift_list(struct thrift *thrift, int id, enum thrift_type type, size_t count)
{
    header(thrift, id, THRIFT_LIST);
    if (count < 15) {
        byte_buffer_add_byte(thrift->out, (unsigned)count << 4 | type);
    } else {
        byte_buffer_add_byte(thrift->out, 0xf0 | type);
        byte_buffer_add_varint(thrift->out, count);
    }
}

void thrift_struct(struct thrift *thrift, int id)
{
    header(thrift, id, THRIFT_STRUCT);
    thrift->depth++;
    assert(thrift->depth < THRIFT_DEPTH_MAX);
    thrift->last[thrift->depth] = 0;
}

void thrift_end(struct thrift *thrift)
{
    byte_buffer_add_byte(thrift->out, 0);
    if (thrift->depth > 0)
        thrift->depth--;
}
