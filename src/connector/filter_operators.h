/* Operators of filters by the kind of field, in the order in which the real service lists them
 * (API_DescribeConnectorEntity, example); for the tables of types of connectors whose vendor has
 * all of them. */
#pragma once

extern const char *const filter_texts[3];
extern const char *const filter_numbers[6];
extern const char *const filter_times[6];
extern const char *const filter_equal[2];

/* The values of a field that is one or the other. */
extern const char *const filter_true_or_false[2];
