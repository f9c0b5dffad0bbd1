/* The registry of connectors. Those that are compiled in form a constant table, sorted by type. A
 * user's own connectors are registered at run time under a label, which is unique within an AWS
 * account; they are kept in an array sorted by account and label behind a readers-writer lock.
 *
 * A look-up copies what it finds into the caller's arena, together with what the implementation
 * keeps (connector_ops.copy_custom). So a connector may be unregistered while requests use it: they
 * finish with their copies, and no reference is counted. */
#include "connector/connector.h"

#include "base/alloc.h"
#include "base/arena.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct registration {
    struct connector connector;
    struct arena arena; /* of all that the connector points to */
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct registration *registrations[CONNECTORS_REGISTERED_MAX]; /* sorted */
static size_t registered;

/* --- compiled in --- */

const struct connector *connector_by_type(struct str type)
{
    for (size_t i = 0; i < connector_builtin_count; i++) {
        if (str_eq(connector_builtin[i]->type, type))
            return connector_builtin[i];
    }
    return NULL;
}

const struct connector *connector_by_key(struct str key)
{
    for (size_t i = 0; i < connector_builtin_count; i++) {
        if (str_eq(connector_builtin[i]->key, key))
            return connector_builtin[i];
    }
    return NULL;
}

size_t connector_count(void)
{
    return connector_builtin_count;
}

const struct connector *connector_at(size_t index)
{
    return connector_builtin[index];
}

size_t connector_type_index(const struct connector *connector)
{
    size_t index = 0;
    while (index < connector_builtin_count &&
           !str_eq(connector_builtin[index]->type, connector->type))
        index++;
    assert(index < connector_builtin_count);
    return index;
}

bool connector_is_built(const struct connector *connector)
{
    return connector->ops && connector->ops->verify;
}

/* --- registered --- */

static int compare(const struct connector *connector, struct str account, struct str label)
{
    int order = str_compare(connector->owner, account);
    return order != 0 ? order : str_compare(connector->label, label);
}

/* Under the lock: the index of the registration, or the one to insert it at. */
static size_t find_index(struct str account, struct str label, bool *ret_found)
{
    size_t low = 0, high = registered;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(&registrations[middle]->connector, account, label);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct connector copy(const struct connector *connector, struct arena *arena)
{
    struct connector copied = *connector;
    copied.type = arena_copy(arena, connector->type);
    copied.key = arena_copy(arena, connector->key);
    copied.label = arena_copy(arena, connector->label);
    copied.owner = arena_copy(arena, connector->owner);
    if (connector->custom)
        copied.custom = connector->ops->copy_custom(connector->custom, arena);
    return copied;
}

static const struct connector *find_registered(struct str type, struct str label,
                                               struct str account, struct arena *arena)
{
    struct connector *copied = NULL;
    bool found;
    pthread_rwlock_rdlock(&lock);
    size_t index = find_index(account, label, &found);
    if (found && str_eq(registrations[index]->connector.type, type)) {
        copied = arena_new(arena, struct connector);
        *copied = copy(&registrations[index]->connector, arena);
    }
    pthread_rwlock_unlock(&lock);
    return copied;
}

const struct connector *connector_find(struct str type, struct str label, struct str account,
                                       struct arena *arena)
{
    return label.len > 0 ? find_registered(type, label, account, arena) : connector_by_type(type);
}

static void registration_free(struct registration *registration)
{
    arena_done(&registration->arena);
    free(registration);
}

static bool insert(struct registration *registration, struct error *error)
{
    const struct connector *connector = &registration->connector;
    bool found;
    size_t index = find_index(connector->owner, connector->label, &found);
    if (found)
        return fail(error, ERR_CONFLICT, "Connector:%.*s is registered already.",
                    STR_ARG(connector->label));
    if (registered == CONNECTORS_REGISTERED_MAX)
        return fail(error, ERR_QUOTA, "This server has its limit of %d registered connectors.",
                    CONNECTORS_REGISTERED_MAX);
    for (size_t i = registered; i > index; i--)
        registrations[i] = registrations[i - 1];
    registrations[index] = registration;
    registered++;
    return true;
}

bool connector_register(const struct connector *connector, struct error *error)
{
    assert(connector->label.len > 0 && connector->owner.len > 0);
    assert(connector->ops && connector_by_type(connector->type));
    assert(!connector->custom || connector->ops->copy_custom);
    struct registration *registration = xcalloc(1, sizeof(*registration));
    registration->connector = copy(connector, &registration->arena);
    pthread_rwlock_wrlock(&lock);
    bool inserted = insert(registration, error);
    pthread_rwlock_unlock(&lock);
    if (!inserted)
        registration_free(registration);
    return inserted;
}

bool connector_unregister(struct str account, struct str label, struct error *error)
{
    struct registration *removed = NULL;
    bool found;
    pthread_rwlock_wrlock(&lock);
    size_t index = find_index(account, label, &found);
    if (found) {
        removed = registrations[index];
        registered--;
        for (size_t i = index; i < registered; i++)
            registrations[i] = registrations[i + 1];
    }
    pthread_rwlock_unlock(&lock);
    if (!removed)
        return fail(error, ERR_NOT_FOUND, "Connector:%.*s is not registered.", STR_ARG(label));
    registration_free(removed);
    return true;
}
