/* The kind of job that delivers a subject's events to the webhook (store/webhook_events.h). */
#pragma once

#include "store/jobs.h"

#define WEBHOOK_JOB STR("webhook")
