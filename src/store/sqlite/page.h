/* A page of the database file as bytes, for the SQLite driver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DB_PAGE_SIZE = 4096,
    DB_PAGE_RESERVE = 8, /* bytes at a page's end that hold its checksum */
};

/* Pages are numbered from 0 here. */
void page_finish(unsigned char page[DB_PAGE_SIZE], uint64_t number, bool has_checksum);
bool page_is_whole(const unsigned char page[DB_PAGE_SIZE], uint64_t number);
