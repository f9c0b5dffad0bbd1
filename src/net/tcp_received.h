/* How much a connection has brought. */
#pragma once

#include <stdint.h>

/* Bytes that a TCP socket has received so far; 0 when the system does not say. */
int64_t tcp_received(int fd);
