/* A time limit for each case of a unit program, so that a fault that makes one wait for ever ends
 * the program with that case's name. */
#pragma once

/* Runs a group of cases as cmocka does. A case that takes more than CASE_TIMEOUT_S aborts the
 * program after a line with the case's name on standard error and its result as TAP. */
int case_limit_run(const char *group, const struct CMUnitTest *cases, size_t count,
                   CMFixtureFunction setup, CMFixtureFunction teardown);
