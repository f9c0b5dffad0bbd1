/* The kind of the jobs that ask vendors when credentials end, for those who write and remove them:
 * one a profile, of the same key. */
#pragma once

#include "base/str.h"

#define CREDENTIAL_END_JOB STR("credential-end")
