/* The time in the first six bytes (RFC 9562, 5.7), the rest at random. */
#include "flow/run_id.h"

enum { TIME_BYTES = 6, ID_TEXT = UUID_SIZE - 1 };

/* Of "01234567-89ab-…": twelve digits and a hyphen among them; 0 of a text that is no id. */
static int64_t time_of(struct str id)
{
    int64_t ms = 0;
    for (size_t i = 0; id.len == ID_TEXT && i <= (size_t)2 * TIME_BYTES; i++) {
        int digit = ascii_hex_digit(id.data[i]);
        ms = digit < 0 ? ms : ms << 4 | digit;
    }
    return ms;
}

void flow_run_id_make(int64_t now_ms, struct str before, char ret_id[UUID_SIZE])
{
    uint8_t bytes[UUID_BYTES];
    int64_t before_ms = time_of(before);
    int64_t ms = now_ms > before_ms ? now_ms : before_ms + 1;
    random_bytes(bytes, sizeof(bytes));
    for (int i = 0; i < TIME_BYTES; i++)
        bytes[i] = (uint8_t)(ms >> 8 * (TIME_BYTES - 1 - i));
    uuid_text(bytes, 7, ret_id);
}
