/* SQLite's own page cache, but that it drops leaves before inner pages.
 *
 * On its way to a row among a million SQLite passes three inner pages of a tree and ends at a leaf
 * that nobody touched lately. Its cache drops what was used longest ago, so each such leaf drives
 * out an inner page that will be wanted much sooner. Here an inner page that is no longer used is
 * not given back, so SQLite's cache takes it for used and leaves it where it is. */
#include "store/sqlite/internal.h"

enum {
    /* Of a cache's pages, those that inner pages never take. A cache that is no larger, as the
     * committer's is, works as SQLite's own: what a transaction has changed fills it too. */
    LEAVES_MIN = 250,
    INNER_OF_INDEX = 2, /* a page's first byte: SQLite file format, 1.6 */
    INNER_OF_TABLE = 5,
    MARK_SIZE = 8,
};

/* One connection's, so used by one thread at a time. */
struct cache {
    sqlite3_pcache *pages; /* SQLite's */
    int kept, kept_max;    /* pages that are not given back */
    int mark_at;           /* where in what belongs to a page it is noted that it is kept */
};

static sqlite3_pcache_methods2 base; /* SQLite's own */

static struct cache *cache_of(sqlite3_pcache *cache)
{
    return (struct cache *)(void *)cache;
}

static bool *mark_of(const struct cache *cache, const sqlite3_pcache_page *page)
{
    return (bool *)page->pExtra + cache->mark_at;
}

static sqlite3_pcache *create(int page_size, int extra_size, int is_purgeable)
{
    struct cache *cache = sqlite3_malloc(sizeof(*cache));
    if (!cache)
        return NULL; /* SQLite tells it */
    *cache = (struct cache){.mark_at = extra_size};
    cache->pages = base.xCreate(page_size, extra_size + MARK_SIZE, is_purgeable);
    if (cache->pages)
        return (sqlite3_pcache *)(void *)cache;
    sqlite3_free(cache);
    return NULL;
}

static void destroy(sqlite3_pcache *cache)
{
    base.xDestroy(cache_of(cache)->pages);
    sqlite3_free(cache);
}

static void set_size(sqlite3_pcache *cache, int count)
{
    cache_of(cache)->kept_max = count > LEAVES_MIN ? count - LEAVES_MIN : 0;
    base.xCachesize(cache_of(cache)->pages, count);
}

static int count_pages(sqlite3_pcache *cache)
{
    return base.xPagecount(cache_of(cache)->pages);
}

/* A page is new when SQLite has noted nothing yet in the first word of what belongs to it. */
static sqlite3_pcache_page *fetch(sqlite3_pcache *cache, unsigned number, int create_flag)
{
    sqlite3_pcache_page *page = base.xFetch(cache_of(cache)->pages, number, create_flag);
    if (page && !*(void **)page->pExtra)
        *mark_of(cache_of(cache), page) = false;
    return page;
}

/* Pages that are of no tree begin with 0 (DB_PAGES_MAX), the first of the file with a text. */
static bool is_inner(const sqlite3_pcache_page *page)
{
    unsigned char kind = *(const unsigned char *)page->pBuf;
    return kind == INNER_OF_INDEX || kind == INNER_OF_TABLE;
}

static void give_back(sqlite3_pcache *pages, sqlite3_pcache_page *page, int discard)
{
    struct cache *cache = cache_of(pages);
    bool *mark = mark_of(cache, page);
    if (!discard && is_inner(page) && (*mark || cache->kept < cache->kept_max)) {
        cache->kept += !*mark;
        *mark = true;
        return;
    }
    cache->kept -= *mark;
    *mark = false;
    base.xUnpin(cache->pages, page, discard);
}

static void renumber(sqlite3_pcache *cache, sqlite3_pcache_page *page, unsigned from, unsigned to)
{
    base.xRekey(cache_of(cache)->pages, page, from, to);
}

/* All pages go, used or not, or all but the first: when another connection has committed. Who cuts
 * off an end only, as VACUUM does, may leave the count too high: then fewer are kept. */
static void drop_from(sqlite3_pcache *pages, unsigned number)
{
    struct cache *cache = cache_of(pages);
    base.xTruncate(cache->pages, number);
    int left = base.xPagecount(cache->pages);
    cache->kept = left <= 1 ? 0 : cache->kept;
}

static void shrink(sqlite3_pcache *cache)
{
    base.xShrink(cache_of(cache)->pages);
}

void sqlite_keep_inner_pages(void)
{
    sqlite3_pcache_methods2 ours;
    if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &base) != SQLITE_OK)
        return; /* somebody used SQLite before: its own cache stays */
    ours = base;
    ours.xCreate = create;
    ours.xDestroy = destroy;
    ours.xCachesize = set_size;
    ours.xPagecount = count_pages;
    ours.xFetch = fetch;
    ours.xUnpin = give_back;
    ours.xRekey = renumber;
    ours.xTruncate = drop_from;
    ours.xShrink = shrink;
    sqlite3_config(SQLITE_CONFIG_PCACHE2, &ours);
}
