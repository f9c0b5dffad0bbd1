/* Pages of the database file: cleaned and given a checksum when they are written, verified when
 * they are read.
 *
 * With secure_delete SQLite zeroes a deleted row. But when it moves rows between pages, it leaves
 * their old bytes in the unallocated space between a page's cell pointers and its cells, and does
 * not zero them when the row is deleted later. (Measured: one deleted row in 1,500 was still
 * readable in the file.) So the unallocated space of every page is zeroed when the page is written
 * to the database file; it has no meaning, so the page stays the same. The WAL has checksums of its
 * own and is not changed; it is emptied instead (core/maintenance.c).
 *
 * SQLite trusts the content of a page. A flipped bit in an index would hide a profile, one in a row
 * would change a property. So each page ends with a checksum over its bytes and its number, in the
 * reserved space that SQLite leaves free for such uses (SQLite file format, 1.3.4). */
#include "store/sqlite/page.h"

#include <string.h>

enum {
    FILE_HEADER_SIZE = 100, /* in the first page, before the page's own header */
    WORD_SIZE = sizeof(uint64_t),
    CONTENT_WORDS = (DB_PAGE_SIZE - DB_PAGE_RESERVE) / WORD_SIZE,
    LANES = 4, /* independent of each other, so that a processor works on all at once */
};

static size_t get_u16(const unsigned char *at)
{
    return (size_t)at[0] << 8 | at[1];
}

/* The unallocated space of a b-tree page: SQLite file format, 1.6. Pages of other kinds begin with
 * a page number, whose first byte is 0 because of DB_PAGES_MAX. */
static bool free_middle(const unsigned char *page, bool is_first, size_t *ret_from, size_t *ret_to)
{
    size_t header = is_first ? FILE_HEADER_SIZE : 0;
    unsigned char kind = page[header];
    if (kind != 2 && kind != 5 && kind != 10 && kind != 13)
        return false;
    size_t header_size = kind < 8 ? 12 : 8; /* an interior page has a right-most child */
    size_t from = header + header_size + 2 * get_u16(page + header + 3);
    size_t to = get_u16(page + header + 5);
    if (from >= to || to > DB_PAGE_SIZE)
        return false;
    *ret_from = from;
    *ret_to = to;
    return true;
}

/* A step is a bijection of the lane for each word, and of the word for each lane: damage within
 * eight bytes is always detected, other damage except with a probability of 2^-64. */
static uint64_t step(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * 0x9E3779B97F4A7C15U;
    return lane << 29 | lane >> 35;
}

static uint64_t checksum(const unsigned char *page, uint64_t number)
{
    uint64_t lanes[LANES] = {number, 1, 2, 3}, words[CONTENT_WORDS + 1], sum = 0;
    memcpy(words, page, sizeof(words));
    words[CONTENT_WORDS] = 0; /* the checksum itself */
    for (size_t i = 0; i <= CONTENT_WORDS; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] = step(lanes[lane], words[i + lane]);
    }
    for (size_t lane = 0; lane < LANES; lane++)
        sum = step(sum, lanes[lane]);
    return sum;
}

_Static_assert((CONTENT_WORDS + 1) % LANES == 0, "no word is left over");
_Static_assert(DB_PAGE_RESERVE == sizeof(uint64_t), "room for a checksum");

void page_finish(unsigned char page[DB_PAGE_SIZE], uint64_t number, bool has_checksum)
{
    size_t from, to;
    if (free_middle(page, number == 0, &from, &to))
        memset(page + from, 0, to - from);
    if (!has_checksum)
        return;
    uint64_t sum = checksum(page, number);
    memcpy(page + DB_PAGE_SIZE - DB_PAGE_RESERVE, &sum, sizeof(sum));
}

bool page_is_whole(const unsigned char page[DB_PAGE_SIZE], uint64_t number)
{
    uint64_t sum = checksum(page, number);
    return memcmp(page + DB_PAGE_SIZE - DB_PAGE_RESERVE, &sum, sizeof(sum)) == 0;
}
