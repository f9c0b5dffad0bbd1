/* The entities of Google Analytics, for the connector's description. */
#pragma once

#include "connector/http/entity_source.h"

/* The views that the user may read, under their ids. */
extern const struct connector_entities googleanalytics_entities;
