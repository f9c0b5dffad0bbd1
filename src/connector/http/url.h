/* URLs that a profile's properties give, with the API's words for what is wrong with one. */
#pragma once

#include "base/error.h"
#include "base/url.h"
#include "connector/http/http_connector.h"

/* As url_parse. ERR_VALIDATION says what is wrong; `name` is how it calls the URL. */
_must_use_ bool connector_url_parse(struct arena *arena, struct str text, const char *bare_domain,
                                    const char *name, struct url *ret_url, struct error *error);

/* The host is one of these domains, or within one. */
bool connector_url_in_domains(const struct url *url, const struct connector_texts *domains);
