/* A short list with the end of each one's time; those whose time is over leave it when another one
 * is added. */
#include "profile/consents_taken.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "store/consents.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct taken_row {
    char id[CONSENT_ID_SIZE];
    int64_t until_ms; /* monotonic */
};

struct consents_taken {
    pthread_mutex_t mutex;
    struct taken_row *rows;
    size_t count;
};

struct consents_taken *consents_taken_new(void)
{
    struct consents_taken *taken = xcalloc(1, sizeof(*taken));
    pthread_mutex_init(&taken->mutex, NULL);
    return taken;
}

void consents_taken_free(struct consents_taken *taken)
{
    pthread_mutex_destroy(&taken->mutex);
    free(taken->rows);
    free(taken);
}

static void drop_ended(struct consents_taken *taken, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < taken->count; i++) {
        if (taken->rows[i].until_ms > now_ms)
            taken->rows[kept++] = taken->rows[i];
    }
    taken->count = kept;
}

void consents_taken_add(struct consents_taken *taken, struct str id, int64_t life_ms)
{
    int64_t now_ms = clock_mono_ms();
    struct taken_row row = {.until_ms = now_ms + life_ms};
    size_t len = id.len < sizeof(row.id) ? id.len : sizeof(row.id) - 1;
    memcpy(row.id, id.data, len);
    pthread_mutex_lock(&taken->mutex);
    drop_ended(taken, now_ms);
    taken->rows = xrealloc(taken->rows, (taken->count + 1) * sizeof(*taken->rows));
    taken->rows[taken->count++] = row;
    pthread_mutex_unlock(&taken->mutex);
}

void consents_taken_remove(struct consents_taken *taken, struct str id)
{
    pthread_mutex_lock(&taken->mutex);
    for (size_t i = 0; i < taken->count; i++) {
        if (!str_eq(str_from(taken->rows[i].id), id))
            continue;
        taken->rows[i] = taken->rows[--taken->count];
        break;
    }
    pthread_mutex_unlock(&taken->mutex);
}

bool consents_taken_has(struct consents_taken *taken, struct str id)
{
    int64_t now_ms = clock_mono_ms();
    bool found = false;
    pthread_mutex_lock(&taken->mutex);
    for (size_t i = 0; !found && i < taken->count; i++)
        found = taken->rows[i].until_ms > now_ms && str_eq(str_from(taken->rows[i].id), id);
    pthread_mutex_unlock(&taken->mutex);
    return found;
}
