/* The operator's policy as it was read: between egress_lists.c, which reads it, and egress.c. */
#pragma once

#include "net/egress.h"
#include "net/ip_block.h"

#include <stddef.h>

struct port_range {
    int first, last;
};

struct egress {
    struct ip_block *allowed;
    size_t allowed_count;
    struct ip_block *denied;
    size_t denied_count;
    struct str *denied_names; /* in `texts` */
    size_t denied_name_count;
    struct port_range *ports;
    size_t port_count; /* 0: every port */
    bool ports_for_allowed;
    bool closes_own;
    bool hides_allowed;
    char *texts; /* a copy of the denied list */
};

/* A name without the dot at its end that stands for the root. */
static inline struct str egress_name(struct str host)
{
    return (struct str){host.data, host.len - str_ends(host, STR("."))};
}
