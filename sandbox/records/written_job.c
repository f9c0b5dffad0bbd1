/* Jobs of accounts, the newest of them. */
#include "sandbox/records/written_store.h"

#include "base/alloc.h"
#include "base/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct written_job *written_job_add(struct written_store *store, struct str vendor,
                                          struct str host, const struct sample_set *set,
                                          struct str results, size_t total)
{
    struct written_account *account = written_account_find(store, vendor, host);
    uint64_t halves[2];
    if (!account)
        account = written_account_add(store, vendor, host, set);
    if (!account)
        return NULL;
    struct written_job *job = &account->jobs[account->next_job++ % WRITTEN_JOBS_MAX];
    free(job->results);
    random_bytes(halves, sizeof(halves));
    snprintf(job->name, sizeof(job->name), "V3-%016" PRIx64 "%016" PRIx64, halves[0], halves[1]);
    job->results = xcalloc(results.len + 1, 1);
    memcpy(job->results, results.data, results.len);
    job->total = total;
    job->asked = 0;
    return job;
}

const struct written_job *written_job_ask(struct written_store *store, struct str vendor,
                                          struct str host, struct str name)
{
    struct written_account *account = store ? written_account_find(store, vendor, host) : NULL;
    for (size_t i = 0; account && name.len > 0 && i < WRITTEN_JOBS_MAX; i++) {
        struct written_job *job = &account->jobs[i];
        if (!str_eq(str_from(job->name), name))
            continue;
        job->asked++;
        return job;
    }
    return NULL;
}
