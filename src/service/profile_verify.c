/* The engine's question, put together from a profile and the service. */
#include "service/profile_verify.h"

#include "base/clock.h"

bool profile_verify(const struct service *service, const struct profile_question *question,
                    struct arena *arena, struct journal *journal, struct verdict *ret_verdict,
                    struct tokens *ret_tokens)
{
    struct exchange_journal exchanges;
    journal_init(journal, service, arena, question->key, &exchanges);
    struct verification verification = {
        .env = &service->connectors,
        .connector = question->connector,
        .properties = question->properties,
        .credentials = question->credentials,
        .stored = question->stored,
        .journal = &exchanges,
        .region = question->key.region,
        .private_routes = question->is_private ? service->config.private_routes : NULL,
        .arena = arena,
        .deadline_ms = clock_mono_ms() + service->config.verify_timeout_ms,
    };
    return connector_verify(&verification, ret_verdict, ret_tokens);
}
