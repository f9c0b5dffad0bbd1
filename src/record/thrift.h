/* Writes Thrift's compact protocol, which Parquet's page headers and footer are in: structs, lists,
 * numbers, booleans and byte strings.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 *
 *     struct thrift thrift = {.out = &buffer};
 *     thrift_i32(&thrift, 1, 7);            field 1
 *     thrift_struct(&thrift, 5);            field 5, whose own fields follow
 *     thrift_i64(&thrift, 1, -1);
 *     thrift_end(&thrift);                  of field 5
 *     thrift_end(&thrift);                  of the whole
 *
 * The ids of a struct's fields are given in ascending order. In a list, an item's id is 0. */
#pragma once

#include "base/str.h"
#include "record/byte_buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { THRIFT_DEPTH_MAX = 8 };

/* Types of a list's items. */
enum thrift_type {
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_STRUCT = 12,
};

struct thrift {
    struct byte_buffer *out;
    int last[THRIFT_DEPTH_MAX]; /* the id of the field that was written last, of each open struct */
    unsigned depth;
};

void thrift_bool(struct thrift *thrift, int id, bool value);
void thrift_i32(struct thrift *thrift, int id, int32_t value);
void thrift_i64(struct thrift *thrift, int id, int64_t value);
void thrift_binary(struct thrift *thrift, int id, struct str value);
void thrift_list(struct thrift *thrift, int id, enum thrift_type type, size_t count);
void thrift_struct(struct thrift *thrift, int id);
void thrift_end(struct thrift *thrift);
