/* Changes of records in memory, by account, entity and row; written_file.c keeps them. */
#include "sandbox/records/written_store.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "sandbox/records/maker.h"

#include <stdlib.h>
#include <string.h>

/* --- reading --- */

const struct written_record *written_find(const struct written_entity *written, size_t row)
{
    return written && row < written->rows ? written->records[row] : NULL;
}

size_t sample_row_count(const struct sample_entity *entity)
{
    return entity->written ? entity->written->rows : entity->rows;
}

/* Of an added record: what the vendor makes itself. */
static bool is_made(const struct sample_field *field)
{
    enum maker_kind kind = field->maker->kind;
    return kind == MAKER_ID || kind == MAKER_SAME || kind == MAKER_PATTERN ||
           kind == MAKER_CONSTANT;
}

/* A time or mark that a write sets by itself. */
static bool set_by_write(const struct written_record *record, bool is_added,
                         const struct sample_field *field, struct sample_cell *cell)
{
    *cell = (struct sample_cell){.kind = field->kind};
    if (field->maker->kind == MAKER_CHANGED)
        cell->number = record->changed_ms;
    else if (field->maker->kind == MAKER_CHANGED_S)
        cell->number = record->changed_ms / 1000;
    else if (field->maker->kind == MAKER_DELETED && (is_added || record->is_deleted))
        cell->number = record->is_deleted;
    else if (field->maker->kind == MAKER_CREATED && is_added)
        cell->number = record->created_ms;
    else
        return false;
    return true;
}

bool written_cell(const struct sample_entity *entity, const struct sample_field *field, size_t row,
                  struct sample_cell *ret_cell)
{
    const struct written_record *record = written_find(entity->written, row);
    bool is_added = row >= entity->rows;
    if (!record)
        return false;
    if (set_by_write(record, is_added, field, ret_cell))
        return true;
    for (size_t i = 0; i < record->count; i++) {
        if (record->cells[i].field == field) {
            *ret_cell = record->cells[i].cell;
            return true;
        }
    }
    if (!is_added || is_made(field))
        return false;
    bool is_flag = field->kind == SAMPLE_FLAG && !field->nullable;
    *ret_cell = (struct sample_cell){.kind = is_flag ? SAMPLE_FLAG : SAMPLE_NULL};
    return true;
}

/* --- the store --- */

struct written_store *written_store_new(const char *dir)
{
    struct written_store *store = xcalloc(1, sizeof(*store));
    pthread_rwlock_init(&store->lock, NULL);
    store->dir = dir ? xstrdup(dir) : NULL;
    return store;
}

void written_store_free(struct written_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->count; i++) {
        struct written_account *account = store->accounts[i];
        for (size_t k = 0; k < account->set->entity_count; k++)
            free(account->entities[k].records);
        for (size_t k = 0; k < WRITTEN_JOBS_MAX; k++)
            free(account->jobs[k].results);
        arena_done(&account->arena);
        free(account->entities);
        free(account);
    }
    pthread_rwlock_destroy(&store->lock);
    free(store->dir);
    free(store);
}

void written_begin(struct written_store *store, bool alone)
{
    if (alone)
        pthread_rwlock_wrlock(&store->lock);
    else
        pthread_rwlock_rdlock(&store->lock);
}

void written_end(struct written_store *store)
{
    pthread_rwlock_unlock(&store->lock);
}

struct written_account *written_account_find(const struct written_store *store, struct str vendor,
                                             struct str host)
{
    for (size_t i = 0; i < store->count; i++)
        if (str_eq(store->accounts[i]->vendor, vendor) &&
            str_eq_nocase(store->accounts[i]->host, host))
            return store->accounts[i];
    return NULL;
}

struct written_account *written_account_add(struct written_store *store, struct str vendor,
                                            struct str host, const struct sample_set *set)
{
    if (store->count == WRITTEN_ACCOUNTS_MAX)
        return NULL;
    struct written_account *account = xcalloc(1, sizeof(*account));
    account->vendor = arena_copy(&account->arena, vendor);
    account->host = arena_lower(&account->arena, host);
    account->set = set;
    account->entities = xcalloc(set->entity_count, sizeof(*account->entities));
    store->accounts[store->count++] = account;
    return account;
}

size_t written_hosts(const struct written_store *store, struct str vendor,
                     struct str ret_hosts[WRITTEN_ACCOUNTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < store->count; i++)
        if (str_eq(store->accounts[i]->vendor, vendor))
            ret_hosts[count++] = store->accounts[i]->host;
    return count;
}

/* That of an entity in a view: one with forms of its own has a set of its own. */
static const struct sample_set *view_set(const struct sample_entity *entity,
                                         const struct sample_set *set,
                                         const struct sample_set *view, struct arena *arena)
{
    if (entity->set == set)
        return view;
    struct sample_set *own = arena_new(arena, struct sample_set);
    *own = *entity->set;
    own->entities = view->entities;
    return own;
}

const struct sample_set *written_view(struct written_store *store, struct str vendor,
                                      struct str host, const struct sample_set *set,
                                      struct arena *arena)
{
    const struct written_account *account =
        store ? written_account_find(store, vendor, host) : NULL;
    if (!account)
        return set;
    struct sample_set *view = arena_new(arena, struct sample_set);
    struct sample_entity *entities = arena_array(arena, struct sample_entity, set->entity_count);
    *view = *set;
    view->entities = entities;
    for (size_t i = 0; i < set->entity_count; i++) {
        entities[i] = set->entities[i];
        entities[i].set = view_set(&set->entities[i], set, view, arena);
        if (account->entities[i].rows > 0)
            entities[i].written = &account->entities[i];
    }
    return view;
}

/* --- writing --- */

static size_t cells_bytes(const struct written_change *change)
{
    size_t bytes = 0;
    for (size_t i = 0; i < change->count; i++)
        bytes += change->cells[i].cell.text.len + 1;
    return bytes;
}

size_t written_bytes(const struct written_account *account, const struct written_change *change)
{
    const struct written_entity *entity =
        account ? &account->entities[written_place(account->set, change->entity)] : NULL;
    const struct written_record *old = written_find(entity, change->row);
    size_t rows = entity && entity->rows > 0 ? 0 : change->entity->rows * sizeof(void *);
    size_t cells = change->count + (old ? old->count : 0);
    return rows + 2 * sizeof(void *) + sizeof(struct written_record) +
           cells * sizeof(struct written_cell) + cells_bytes(change);
}

size_t written_place(const struct sample_set *set, const struct sample_entity *entity)
{
    size_t place = 0;
    while (place < set->entity_count && !str_eq(set->entities[place].name, entity->name))
        place++;
    return place;
}

/* Room for a row; at first for all that are made. */
static void reserve(struct written_entity *entity, size_t made, size_t row)
{
    size_t capacity = entity->capacity;
    if (capacity == 0)
        capacity = made;
    while (capacity <= row)
        capacity += capacity / 2 + 16;
    if (capacity > entity->capacity) {
        entity->records = xrealloc(entity->records, capacity * sizeof(void *));
        memset(entity->records + entity->capacity, 0,
               (capacity - entity->capacity) * sizeof(void *));
        entity->capacity = capacity;
    }
    size_t least = row + 1 > made ? row + 1 : made;
    entity->rows = entity->rows > least ? entity->rows : least;
}

static void set_cell(struct written_record *record, struct written_cell *cells,
                     const struct written_cell *cell, struct arena *arena)
{
    size_t at = 0;
    while (at < record->count && cells[at].field != cell->field)
        at++;
    cells[at] = *cell;
    cells[at].cell.text = arena_copy(arena, cell->cell.text);
    record->count += at == record->count;
}

void written_put(struct written_account *account, const struct written_change *change,
                 int64_t at_ms)
{
    size_t place = written_place(account->set, change->entity);
    struct written_entity *entity = &account->entities[place];
    size_t made = account->set->entities[place].rows;
    reserve(entity, made, change->row);
    struct written_record *record = entity->records[change->row];
    if (!record) {
        record = entity->records[change->row] = arena_new(&account->arena, struct written_record);
        *record = (struct written_record){.row = change->row, .created_ms = at_ms};
    }
    struct written_cell *cells =
        arena_array(&account->arena, struct written_cell, record->count + change->count);
    if (record->count > 0)
        memcpy(cells, record->cells, record->count * sizeof(*cells));
    for (size_t i = 0; i < change->count; i++)
        set_cell(record, cells, &change->cells[i], &account->arena);
    record->cells = cells;
    record->changed_ms = at_ms;
    record->is_deleted = record->is_deleted || change->deletes;
}
