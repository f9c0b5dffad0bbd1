/* Lists of S3's entities: the buckets of the account, and in them the prefixes that end with '/',
 * as folders do. */
#include "connectors/s3/entities.h"

#include "connector/http/entity_source.h"
#include "connectors/s3/pages.h"

#include <string.h>

enum { PATH_LEN_MAX = 256 }; /* EntitiesPath of the API's model */

struct s3_listing {
    struct s3_query query;
    struct entity_list *list;
    bool found; /* a key or a folder */
};

/* entitiesPath takes a few characters alone. */
static bool can_be_path(struct str name)
{
    static const struct str others = STR("/_!@#+=,.-");
    for (size_t i = 0; i < name.len; i++) {
        bool is_other = memchr(others.data, name.data[i], others.len) != NULL;
        if (!ascii_is_alnum(name.data[i]) && !is_other)
            return false;
    }
    return name.len <= PATH_LEN_MAX;
}

static bool add(struct s3_paging *paging, struct str name, struct str label)
{
    struct s3_listing *listing = paging->context;
    const struct entity entity = {
        .group = STR("Objects"), .name = name, .label = label, .nested = can_be_path(name)};
    return entity_list_add(listing->list, &entity) ||
           entity_too_many(paging->connection, "entities", listing->list->no_room);
}

static bool list_buckets(struct s3_paging *paging, struct str token, struct arena *page,
                         struct str *ret_next)
{
    struct s3_buckets_page buckets;
    struct error error = {0};
    if (!s3_buckets(paging->s3, token, page, &buckets, &error))
        return s3_fail_verdict(paging->connection, &error);
    for (size_t i = 0; i < buckets.count; i++) {
        if (!add(paging, buckets.names[i], buckets.names[i]))
            return false;
    }
    *ret_next = buckets.next_token;
    return true;
}

/* "2024" of "year/2024/" */
static struct str folder_label(struct str key)
{
    struct str before, label = {key.data, key.len - 1};
    while (str_cut(label, '/', &before, &label))
        continue;
    return label;
}

static bool add_folder(struct s3_paging *paging, struct str key, struct arena *page)
{
    const struct s3_listing *listing = paging->context;
    struct str bucket = listing->query.bucket;
    return add(paging, arena_printf(page, "%.*s/%.*s", STR_ARG(bucket), STR_ARG(key)),
               folder_label(key));
}

static bool list_folders(struct s3_paging *paging, struct str token, struct arena *page,
                         struct str *ret_next)
{
    struct s3_listing *listing = paging->context;
    struct s3_page found;
    struct error error = {0};
    listing->query.token = token;
    if (!s3_list(paging->s3, &listing->query, page, &found, &error))
        return s3_fail_verdict(paging->connection, &error);
    for (size_t i = 0; i < found.count; i++) {
        struct str key = found.entries[i].key;
        bool is_folder = !found.entries[i].etag.data && str_ends(key, STR("/"));
        if (is_folder && !add_folder(paging, key, page))
            return false;
    }
    listing->found = listing->found || found.count > 0;
    *ret_next = found.next_token;
    return true;
}

/* An empty bucket has no nested entities; what begins no key is no entity. */
static bool list_within(struct s3_paging *paging, struct str name)
{
    struct s3_listing *listing = paging->context;
    struct arena *arena = vendor_config(paging->connection)->arena;
    struct s3_query *query = &listing->query;
    *query = s3_place_of(name);
    query->delimiter = STR("/");
    if (query->prefix.len > 0 && !str_ends(query->prefix, STR("/")))
        query->prefix = arena_printf(arena, "%.*s/", STR_ARG(query->prefix));
    paging->read = list_folders;
    return s3_paging_run(paging) &&
           (listing->found || query->prefix.len == 0 ||
            entity_absent(paging->connection, name,
                          "is not there: no key of its bucket begins with it"));
}

bool s3_list_entities(struct vendor_connection *connection, const struct entity_query *query,
                      struct entity_list *list)
{
    struct s3_session session = {0};
    struct s3_listing listing = {.list = list};
    struct s3_paging paging = {
        .connection = connection, .s3 = &session.s3, .read = list_buckets, .context = &listing};
    bool listed =
        s3_open(connection, &session) &&
        (query->name.len > 0 ? list_within(&paging, query->name) : s3_paging_run(&paging)) &&
        vendor_accept(connection, STEP_API);
    s3_session_done(&session);
    return listed;
}
