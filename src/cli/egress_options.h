/* The egress policy that a server's options ask for: --egress-allow, --egress-deny, --egress-ports,
 * and the ports of the URLs that the operator gave. */
#pragma once

#include "base/error.h"
#include "cli/options.h"
#include "net/egress.h"

/* ERR_VALIDATION as egress_new. */
_must_use_ bool egress_from_options(const struct options *options, struct egress **ret_egress,
                                    struct error *error);
