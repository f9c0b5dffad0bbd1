/* What the two files of channels share. */
#pragma once

#include "net/client/channel.h"

/* Waits for `events` of poll(2), in slices. False: outcome and clause say why. */
_must_use_ bool channel_await(struct channel *channel, short events, int64_t until_ms);
