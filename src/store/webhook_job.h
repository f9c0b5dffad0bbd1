/* The kind of job that delivers a profile's events to the webhook (store/credential_events.h). */
#pragma once

#include "store/jobs.h"

#define WEBHOOK_JOB STR("webhook")
