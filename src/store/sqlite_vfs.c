/* Wipes what SQLite leaves behind in the free middle of a page.
 *
 * With secure_delete SQLite zeroes a row that is deleted. But when it moves rows between pages, it
 * leaves their old bytes in the unallocated space between a page's cell pointers and its cells, and
 * never comes back for them when the row is deleted later. (Measured: one deleted row in 1,500 was
 * still readable in the file.) So every page is cleaned on its way into the database file; that
 * space has no meaning, which makes the cleaned page the same page. The write-ahead log carries
 * checksums and is written as it is: it is emptied instead. */
#include "store/sqlite_inside.h"

#include <pthread.h>
#include <string.h>

enum {
    PAGE_SIZE = 4096,
    FILE_HEADER_SIZE = 100, /* in the first page, before the page's own header */
};

static sqlite3_vfs *base;                   /* the system's own */
static sqlite3_vfs cleaning;                /* a copy of it with another xOpen */
static const sqlite3_io_methods *base_file; /* its functions for a database file */
static sqlite3_io_methods cleaning_file;    /* a copy of them with another xWrite */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t methods_mutex = PTHREAD_MUTEX_INITIALIZER;

static size_t get_u16(const unsigned char *at)
{
    return (size_t)at[0] << 8 | at[1];
}

/* Where the free middle of a b-tree page is: SQLite file format, 1.6. Pages of other kinds begin
 * with a page number, whose first byte is 0 as long as DB_PAGES_MAX is kept. */
static bool free_middle(const unsigned char *page, bool is_first, size_t *ret_from, size_t *ret_to)
{
    size_t header = is_first ? FILE_HEADER_SIZE : 0;
    unsigned char kind = page[header];
    if (kind != 2 && kind != 5 && kind != 10 && kind != 13)
        return false;
    size_t header_size = kind < 8 ? 12 : 8; /* an interior page has a right-most child */
    size_t from = header + header_size + 2 * get_u16(page + header + 3);
    size_t to = get_u16(page + header + 5);
    if (from >= to || to > PAGE_SIZE)
        return false;
    *ret_from = from;
    *ret_to = to;
    return true;
}

static int write_cleaned(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    unsigned char page[PAGE_SIZE];
    size_t from, to;
    if (size != PAGE_SIZE || !free_middle(data, offset == 0, &from, &to))
        return base_file->xWrite(file, data, size, offset);
    memcpy(page, data, PAGE_SIZE);
    memset(page + from, 0, to - from);
    return base_file->xWrite(file, page, size, offset);
}

/* The base's functions go on working on their own file; only the table they are found through is
 * another one. */
static bool install(sqlite3_file *file)
{
    pthread_mutex_lock(&methods_mutex);
    if (!base_file) {
        base_file = file->pMethods;
        cleaning_file = *base_file;
        cleaning_file.xWrite = write_cleaned;
    }
    bool known = file->pMethods == base_file;
    pthread_mutex_unlock(&methods_mutex);
    if (known)
        file->pMethods = &cleaning_file;
    return known;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    (void)vfs;
    int rc = base->xOpen(base, name, file, flags, ret_flags);
    if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB) || install(file))
        return rc;
    file->pMethods->xClose(file);
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
}

/* Counting memory costs a lock for each allocation, shared by all connections. */
static void set_up(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    base = sqlite3_vfs_find(NULL);
    cleaning = *base;
    cleaning.zName = "headgate";
    cleaning.xOpen = open_file;
    cleaning.pNext = NULL;
    sqlite3_vfs_register(&cleaning, 0);
}

const char *sqlite_vfs_name(void)
{
    pthread_once(&once, set_up);
    return cleaning.zName;
}
