/* The ends of a consent as a table. */
#include "api/consent_outcome.h"

#include "profile/consent_terms.h"

#include <stddef.h>

static const struct consent_outcome outcomes[] = {
    {CONSENT_FAILED, 500, false, true, "This server could not finish",
     "Something failed on this server, not at the vendor. Its log says what."},
    {CONSENT_CONNECTED, 200, true, false, "Connected",
     "The vendor accepted, and the profile is stored. You can close this page."},
    {CONSENT_REFUSED, 200, false, true, "You did not authorize",
     "The vendor says that access was refused. Nothing was changed."},
    {CONSENT_VENDOR_ERROR, 502, false, true, "The vendor reported an error",
     "It did not let you authorize. Nothing was changed."},
    {CONSENT_WRONG_ISSUER, 400, false, false, "The answer came from another server",
     "It names another authorization server than the one that you were sent to, so it was not "
     "used. Nothing was changed. Tell the operator of this server."},
    {CONSENT_NOT_ALLOWED, 403, false, false, "The link is not valid any more",
     "The access key that asked for it was deleted or has expired. Nothing was changed."},
    {CONSENT_REJECTED, 200, false, true, "The vendor did not accept",
     "You authorized, but what the vendor gave does not work. Nothing was changed."},
    {CONSENT_WRONG_ACCOUNT, 200, false, true, "This is another account",
     "You authorized with another account of the vendor than the profile had before. Nothing was "
     "changed. Sign out at the vendor and ask for a new link, or ask for one that takes any "
     "account: headgate connect NAME --any-account."},
    {CONSENT_FEWER_SCOPES, 200, false, true, "Not every permission was granted",
     "Flows need all of them, so nothing was changed. Ask for a new link and leave every "
     "permission selected."},
    {CONSENT_NO_REFRESH_TOKEN, 200, false, true, "The vendor gave no refresh token",
     "The profile had one before, so nothing was changed: without one it would stop soon. Remove "
     "this app's access in your account at the vendor, and ask for a new link."},
    {CONSENT_NOT_STORED, 200, false, true, "The profile could not be stored",
     "You authorized, but the profile has changed meanwhile or cannot be stored so. Nothing was "
     "changed."},
    {CONSENT_BUSY, 503, false, true, "This server is busy",
     "You authorized, but the server could not use that in time. Nothing was changed."},
    {CONSENT_INTERRUPTED, 500, false, true, "This server was interrupted",
     "The server stopped while it checked your authorization. The vendor's code works only once, "
     "so "
     "it is not sent again. If the profile does not work, ask for a new link."},
    {CONSENT_UNKNOWN, 404, false, true, "There is no such link",
     "Check that the whole link was copied. Links are forgotten an hour after they "
     "ended."},
    {CONSENT_EXPIRED, 410, false, true, "The link has expired",
     "A link works for ten minutes. Nothing was changed."},
    {CONSENT_USED, 410, false, true, "This was used already",
     "An authorization is used once, and this one has ended."},
    {CONSENT_OTHER_BROWSER, 403, false, true, "The link is in use in another browser",
     "This link was opened in another browser. Finish there, or ask for a new link to use here."},
    {CONSENT_WRONG_STATE, 400, false, false, "This answer belongs to no link",
     "The address is not one that this server asked for in this browser, or it was replaced when "
     "you began again. Nothing was changed. Go back to the link, or ask for a new one."},
    {CONSENT_NO_COOKIE, 403, false, false, "Your browser sent no cookie",
     "This page needs one to know your browser again when the vendor sends you back. Allow cookies "
     "for this address, open the link again, and press the button there."},
};

const struct consent_outcome *consent_outcome_of(struct str word)
{
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++) {
        if (str_eq(word, str_from(outcomes[i].word)))
            return &outcomes[i];
    }
    return &outcomes[0];
}
