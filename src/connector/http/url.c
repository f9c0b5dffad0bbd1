/* URLs of a profile. */
#include "connector/http/url.h"

bool connector_url_parse(struct arena *arena, struct str text, const char *bare_domain,
                         const char *name, struct url *ret_url, struct error *error)
{
    const char *fault;
    return url_parse(arena, text, bare_domain, ret_url, &fault) ||
           fail(error, ERR_VALIDATION, "Validation exception: %s %s.", name, fault);
}

bool connector_url_in_domains(const struct url *url, const struct connector_texts *domains)
{
    for (size_t i = 0; i < domains->count; i++) {
        if (url_in_domain(url, str_from(domains->rows[i])))
            return true;
    }
    return false;
}
