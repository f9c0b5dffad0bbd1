/* The VFS (SQLite's file functions) that all connections use: SQLite's own for this system, with
 * three changes.
 *
 * - A page that is written to the database file gets its free space zeroed and its checksum set,
 * and a page that is read is compared with its checksum (page.c). The WAL has checksums of its own.
 * - A file, or the WAL's shared memory, that SQLite could open for reading only is refused: the
 *   connection would fail to write for as long as it lives, although the cause (no free descriptor)
 * is often gone a moment later.
 * - An I/O error that SQLite would report as a damaged database is reported as an I/O error.
 *
 * SQLite finds a file's functions through a table that the file points to; we copy that table,
 * replace entries, and keep the original table in room behind the file's own struct. */
#include "store/sqlite/internal.h"
#include "store/sqlite/page.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADER_SIZE = 100, /* of the file */
    RESERVE_AT = 20,   /* in it: bytes left free at each page's end */
    VERSION_AT = 60,   /* the schema's, four bytes, as is the application's id */
    APPLICATION_AT = 68,
};

/* A kind of file whose functions are the base's but for some of ours. */
struct kind {
    const sqlite3_io_methods *base; /* NULL until one was opened */
    sqlite3_io_methods ours;
};

/* Stands behind what the base needs for a file. */
struct own {
    const sqlite3_io_methods *base;
    bool has_checksums; /* the file's header says so */
};

static sqlite3_vfs *base;   /* the system's own */
static sqlite3_vfs wrapped; /* a copy of it with another xOpen */
static struct kind database, log_file;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t kinds_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct own *own_of(sqlite3_file *file)
{
    return (struct own *)(void *)((char *)file + wrapped.szOsFile - sizeof(struct own));
}

static uint32_t get_u32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* False for a header that says there are no checksums where there must be some. */
static bool read_header(struct own *own, const unsigned char *header)
{
    own->has_checksums = header[RESERVE_AT] == DB_PAGE_RESERVE;
    return own->has_checksums || get_u32(header + APPLICATION_AT) != DB_APPLICATION_ID ||
           get_u32(header + VERSION_AT) < DB_CHECKSUMS_SINCE;
}

static bool is_page(int size, sqlite3_int64 offset)
{
    return size == DB_PAGE_SIZE && offset % DB_PAGE_SIZE == 0;
}

/* SQLite takes a disk that cannot be read for a damaged database. */
static int read_plainly(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    int rc = own_of(file)->base->xRead(file, data, size, offset);
    return rc == SQLITE_IOERR_CORRUPTFS ? SQLITE_IOERR_READ : rc;
}

static int read_checked(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    struct own *own = own_of(file);
    int rc = read_plainly(file, data, size, offset);
    if (rc == SQLITE_IOERR_SHORT_READ && own->has_checksums && is_page(size, offset))
        return SQLITE_IOERR_DATA; /* SQLite would take the missing end for zeros */
    if (rc != SQLITE_OK)
        return rc;
    if (offset == 0 && size >= HEADER_SIZE && !read_header(own, data))
        return SQLITE_IOERR_DATA;
    if (own->has_checksums && is_page(size, offset) &&
        !page_is_whole(data, (uint64_t)offset / DB_PAGE_SIZE))
        return SQLITE_IOERR_DATA;
    return SQLITE_OK;
}

static int write_finished(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    struct own *own = own_of(file);
    unsigned char page[DB_PAGE_SIZE];
    if (offset == 0 && size >= HEADER_SIZE)
        read_header(own, data);
    if (!is_page(size, offset))
        return own->base->xWrite(file, data, size, offset);
    memcpy(page, data, DB_PAGE_SIZE);
    page_finish(page, (uint64_t)offset / DB_PAGE_SIZE, own->has_checksums);
    return own->base->xWrite(file, page, size, offset);
}

/* When shared memory cannot be opened for writing, the base takes it read-only, and all connections
 * of the process stay so until the last one is closed. A full disk, which other writes report as
 * SQLITE_FULL, is SQLITE_IOERR_SHMSIZE here. */
static int map_writable(sqlite3_file *file, int region, int size, int extend,
                        void volatile **ret_memory)
{
    int rc = own_of(file)->base->xShmMap(file, region, size, extend, ret_memory);
    if (rc == SQLITE_IOERR_SHMSIZE && (errno == ENOSPC || errno == EDQUOT))
        return SQLITE_FULL;
    if ((rc & 0xFF) != SQLITE_READONLY)
        return rc;
    *ret_memory = NULL;
    own_of(file)->base->xShmUnmap(file, 0);
    return SQLITE_CANTOPEN;
}

static void make_kind(struct kind *kind, const sqlite3_io_methods *methods)
{
    kind->base = methods;
    kind->ours = *methods;
    kind->ours.xRead = read_plainly;
    if (kind != &database)
        return;
    kind->ours.iVersion = 2; /* without mapping the file, which would go past xRead */
    kind->ours.xRead = read_checked;
    kind->ours.xWrite = write_finished;
    kind->ours.xShmMap = map_writable;
}

/* The base's functions go on working on their own file; only the table they are found through is
 * another one. */
static bool install(struct kind *kind, sqlite3_file *file)
{
    pthread_mutex_lock(&kinds_mutex);
    if (!kind->base)
        make_kind(kind, file->pMethods);
    pthread_mutex_unlock(&kinds_mutex);
    if (file->pMethods != kind->base)
        return false;
    *own_of(file) = (struct own){.base = kind->base};
    file->pMethods = &kind->ours;
    return true;
}

/* The base opens for reading only what it could not open for writing, be it for want of a
 * descriptor; the connection would refuse to write for as long as it lives. */
static int refuse_read_only(const char *name)
{
    bool is_lasting = name && access(name, W_OK) != 0 && (errno == EROFS || errno == EACCES);
    return is_lasting ? SQLITE_READONLY : SQLITE_CANTOPEN;
}

/* A new database may write other pages before the first. */
static bool install_database(sqlite3_file *file)
{
    sqlite3_int64 size;
    if (file->pMethods->xFileSize(file, &size) != SQLITE_OK || !install(&database, file))
        return false;
    own_of(file)->has_checksums = size == 0;
    return true;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    int got = 0;
    (void)vfs;
    int rc = base->xOpen(base, name, file, flags, &got);
    if (ret_flags)
        *ret_flags = got;
    if (rc != SQLITE_OK)
        return rc;
    bool ok = true;
    if ((flags & SQLITE_OPEN_READWRITE) && (got & SQLITE_OPEN_READONLY))
        rc = refuse_read_only(name);
    else if (flags & SQLITE_OPEN_MAIN_DB)
        ok = install_database(file);
    else if (flags & SQLITE_OPEN_WAL)
        ok = install(&log_file, file);
    if (rc == SQLITE_OK && ok)
        return rc;
    file->pMethods->xClose(file);
    file->pMethods = NULL;
    return rc == SQLITE_OK ? SQLITE_CANTOPEN : rc;
}

/* Counting memory costs a lock for each allocation, shared by all connections. */
static void set_up(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    base = sqlite3_vfs_find(NULL);
    wrapped = *base;
    wrapped.zName = "headgate";
    wrapped.xOpen = open_file;
    wrapped.pNext = NULL;
    wrapped.szOsFile = (base->szOsFile + 15) / 16 * 16 + (int)sizeof(struct own);
    sqlite3_vfs_register(&wrapped, 0);
}

const char *sqlite_vfs_name(void)
{
    pthread_once(&once, set_up);
    return wrapped.zName;
}
