/* The kinds of jobs that deliver a subject's events (store/event_queue.h). */
#pragma once

#include "store/jobs.h"

#define WEBHOOK_JOB STR("webhook")
#define EVENT_BUS_JOB STR("event-bus")
