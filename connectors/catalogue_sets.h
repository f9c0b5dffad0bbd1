/* What several connectors have in common in the catalogue: the sets of destinations that the pages
 * of AppFlow's User Guide repeat under "Supported destinations". A custom connector is in each of
 * them. Amazon Honeycode has ended, but the pages still list it. */
#pragma once

#include "connector/catalogue.h"

#define DESTINATIONS_COMMON                                                                        \
    "S3", "Snowflake", "Redshift", "Salesforce", "Honeycode", "Upsolver", "CustomerProfiles",      \
        "Zendesk", "Marketo", "CustomConnector"

#define TRIGGERS_POLLED (TRIGGER_SCHEDULED | TRIGGER_ON_DEMAND)
