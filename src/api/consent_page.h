/* The pages that a person sees, as HTML. They have no script, no font and nothing of another host;
 * their colours follow the browser's light or dark. */
#pragma once

#include "api/consent_outcome.h"
#include "base/arena.h"
#include "profile/consent.h"

#include <stdint.h>

#define CONSENT_STYLE_PATH "/connect/style.css"

struct str consent_style(void);

/* What is going to be connected, and a button that posts the form's token to this page. */
struct str consent_page_ask(struct arena *arena, const struct consent *consent,
                            struct str form_token);
/* Between the button and the vendor, for a moment. */
struct str consent_page_leave(struct arena *arena, const struct consent *consent, struct str url);
/* While the code is exchanged. */
struct str consent_page_wait(struct arena *arena);
/* An end. `row`: what it was about, with its words; NULL: not to be shown. */
struct str consent_page_end(struct arena *arena, const struct consent_outcome *outcome,
                            const struct consent_row *row);
