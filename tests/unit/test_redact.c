/* Redaction: every form in which a secret may come back, in every shape of a response, and what
 * must come through. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "base/encode.h"
#include "connector/http/redact.h"
#include "connector/http/vendor_message.h"
#include "secret_forms.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;

static const struct http_connector http;
static const struct connector connector = {.http = &http};

static void assert_text(struct str text, const char *expected, const char *what)
{
    if (!str_eq(text, str_from(expected)))
        fail_msg("%s: \"%.*s\", not \"%s\"", what, STR_ARG(text), expected);
}

/* --- the table: forms by shapes --- */

static const char *const secrets[] = {
    "xoxp-2481632-canary-9fQ27bTz0LkP",
    "v3ry \"canary\" pass/word+=<&'\xC3\xA9> w1th b1anks",
    /* each of its backslashes stands before an escape when every character is escaped */
    "c4n\\%c\\\\e4ry w1th b\\b4cks1ashes",
};

static struct str json_of(struct str message)
{
    struct buf body = buf_in(&arena, VENDOR_MESSAGE_RAW_MAX);
    buf_add_cstr(&body, "{\"message\":");
    encode_json_string(&body, message);
    buf_add_char(&body, '}');
    return buf_str(&body);
}

static struct str message_of(const struct redaction *redaction, struct str body)
{
    struct vendor_response response = {.http = {.outcome = CLIENT_OK, .status = 401, .body = body}};
    vendor_response_read(&arena, &response);
    return vendor_message_find(redaction, &connector, &response, false);
}

static struct redaction redaction_of(const char *secret)
{
    struct redaction redaction = {.arena = &arena};
    redact_add(&redaction, str_from(secret));
    return redaction;
}

static struct str around(const char *before, struct str form, const char *after)
{
    return arena_printf(&arena, "%s%.*s%s", before, STR_ARG(form), after);
}

static void assert_form_is_removed(const char *secret, const struct secret_form *form)
{
    struct redaction redaction = redaction_of(secret);
    struct str text = secret_in_form(&arena, str_from(secret), form);
    struct str sent = around("You sent ", text, " to us.");
    struct str header = around("Cannot authenticate with header Authorization: Bearer ", text,
                               " and body grant_type=refresh_token");
    struct str page = around("<html><head><title>401</title></head><body>", text, "</body></html>");
    assert_text(message_of(&redaction, json_of(sent)), "You sent [removed] to us.", form->name);
    assert_text(message_of(&redaction, sent), "You sent [removed] to us.", form->name);
    assert_text(message_of(&redaction, json_of(header)),
                "Cannot authenticate with header Authorization: Bearer [removed] and body "
                "grant_type=refresh_token",
                form->name);
    assert_null(message_of(&redaction, page).data);
}

static void secrets_are_removed_in_every_form_and_shape(void **state)
{
    (void)state;
    assert_true(secret_form_count >= 41);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++) {
        for (size_t j = 0; j < secret_form_count; j++)
            assert_form_is_removed(secrets[i], &secret_forms[j]);
    }
}

/* --- pieces and words --- */

static void pieces_go_and_words_stay(void **state)
{
    (void)state;
    struct redaction redaction = {.arena = &arena};
    redact_add(&redaction, STR("MyPassword2024!"));
    redact_add(&redaction, STR("correct horse battery staple"));
    redact_add(&redaction, STR("a1B2c3D4e5F6a7B8c9D0"));
    redact_add(&redaction, STR("!@#$%^&*()~`"));
    redact_add_whole(&redaction, STR("https://app.example.com/callback"));
    redact_add_whole(&redaction, STR("administrator@acme.example"));
    redact_add_whole(&redaction, STR("a=%31%32%33%34%35%36%37%38%39"));
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"Invalid user name or password.", "Invalid user name or password."},
        {"your password, mypassword or any", "your password, mypassword or any"},
        {"the password MYPASSWORD2024! is old", "the password [removed] is old"},
        {"password2024", "[removed]"},
        {"sword2024", "[removed]"},
        {"correct horse, bat", "correct horse, bat"}, /* shorter than PIECE_SURE */
        {"correct horse battery is cut", "[removed] is cut"},
        {"correct\nhorse  battery+staple", "[removed]"},
        {"(B2c3D4e5)", "([removed])"},
        {"B2c3D4e", "B2c3D4e"}, /* fewer than GRAM_LEN */
        {"!@#$%^&*()~`", "[removed]"},
        {"!@#$%25%5E%26*()~`.", "[removed]."},
        {"https://app.example.com/other", "https://app.example.com/other"},
        {"HTTPS%3A%2F%2Fapp.example.com/callback", "[removed]"},
        {"The administrator is asked", "The administrator is asked"},
        {"administrator@acme.example is locked", "[removed] is locked"},
        {"%41%42 &lt;b&gt; \\u0041 & c; \\n 100% \\", "%41%42 &lt;b&gt; \\u0041 & c; \\n 100% \\"},
        {"a=123456789", "[removed]"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_text(redact(&redaction, str_from(cases[i].text)), cases[i].clean, cases[i].text);
}

static void an_escape_that_ends_in_a_secret_hides_nothing(void **state)
{
    (void)state;
    struct redaction redaction = redaction_of("41nabc4d3f2e1");
    static const char *const texts[] = {"%41nabc4d3f2e1", "\\41nabc4d3f2e1", "&#41nabc4d3f2e1;",
                                        "\\u0041nabc4d3f2e1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct str clean = redact(&redaction, str_from(texts[i]));
        assert_true(str_contains(clean, STR("[removed]")));
        assert_false(str_contains(clean, STR("abc4d3f2e1")));
    }
}

static void escapes_of_long_characters_are_joined(void **state)
{
    (void)state;
    struct redaction redaction = redaction_of("k\xF0\x9F\x94\x91y\xC3\x89\xD0\x96");
    static const char *const texts[] = {
        "k\\ud83d\\udd11y\\u00c9\\u0416",   "k&#x1F511;y&#201;&#1046;",
        "k%F0%9F%94%91y%c3%a9%D0%B6",       "K\xF0\x9F\x94\x91Y\xC3\xA9\xD0\xB6",
        "k\\\\ud83d\\\\udd11y%u00c9%u0416",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_text(redact(&redaction, str_from(texts[i])), "[removed]", texts[i]);
}

/* --- what looks like a secret --- */

static void unknown_secrets_go_and_names_stay(void **state)
{
    (void)state;
    struct value *properties = value_structure(&arena), *inner = value_structure(&arena);
    struct redaction redaction = {.arena = &arena, .properties = properties};
    value_put_text(&arena, inner, "host", STR("https://x7Kq2mW9vB4nL8pR.acme.example"));
    value_put(&arena, properties, "inner", inner);
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"new token fV3kZq91LmXw7TtB2hYc given", "new token [removed] given"},
        {"sid=9f86d081884c7d659a2feaa0c55ad015", "sid=[removed]"},
        {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
         "[removed].[removed].[removed]"},
        {"in HTML &#102;V3kZq91LmXw7TtB&#50;hYc", "in HTML [removed]"},
        {"no host x7Kq2mW9vB4nL8pR.acme.example", "no host x7Kq2mW9vB4nL8pR.acme.example"},
        {"request 550e8400-e29b-41d4-a716-446655440000 failed",
         "request 550e8400-e29b-41d4-a716-446655440000 failed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_text(redact(&redaction, str_from(cases[i].text)), cases[i].clean, cases[i].text);
}

/* Secrets as people and vendors make them. */
static const char *const usual_secrets[] = {
    "Passw0rd!2024",
    "Summer-Holiday-in-Rome-77",
    "Tr0ub4dor&3xyz",
    "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
    "dt0c01.ST2EY72KQINMH574WMNVI7YN.G3DFPBEJYMODIDAEX454M7YWBUVEFOWKPRVMWFASS64NFH52PX6BNDVFFM57",
    "44b9e1c7d0a35f6829be4c17d3a08f52",
    "5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJT",
    "https://app.example.com/oauth/callback",
    "service.user@acme.example",
};

static void ordinary_messages_lose_nothing(void **state)
{
    (void)state;
    static const char *const messages[] = {
        "INVALID_SESSION_ID: Session expired or invalid",
        "invalid_grant: expired access/refresh token",
        "AADSTS7000215: Invalid client secret provided. Timestamp: 2024-01-01 10:20:30Z",
        "Trace ID: 0f8fad5b-d9cb-469f-a165-70867728950e Correlation ID: "
        "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "See https://developer.acme.example/docs/rest/v58.0/errors/AUTH_FAILED?lang=en-US#oauth2",
        "org.springframework.security.oauth2.common.exceptions.InvalidGrantException",
        "User: arn:aws:sts::123456789012:assumed-role/DataApiRole/headgate is not authorized",
        "The requested resource /services/data/v58.0/sobjects/Account/describe does not exist",
        "Rate limit of 100000 requests exceeded; retry after 2024-01-01T00:00:00.000Z (86400 s)",
        "com.sap.gateway.core.ip.component.commons/ServiceUnavailableException",
        "error code 0x80070005, SQLSTATE 28P01, ORA-01017, no. 1234567890123456",
        "userRateLimitExceeded: quota of project 123456789012 for Analytics.Reporting.BatchGet",
        "Client 999 is not available in this system [ABC/100]; ICFLOGONREQUIRED",
        "L\xC3\xB6schen nicht erlaubt: Berechtigung f\xC3\xBCr \xE2\x80\x9EVerwaltung\xE2\x80\x9C "
        "fehlt",
    };
    struct redaction redaction = {.arena = &arena};
    for (size_t i = 0; i < sizeof(usual_secrets) / sizeof(*usual_secrets); i++) {
        bool identifies = i + 2 >= sizeof(usual_secrets) / sizeof(*usual_secrets);
        (identifies ? redact_add_whole : redact_add)(&redaction, str_from(usual_secrets[i]));
    }
    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
        assert_text(vendor_message_clean(&redaction, str_from(messages[i])), messages[i],
                    messages[i]);
}

static void invisible_characters_go_first(void **state)
{
    (void)state;
    struct redaction redaction = redaction_of("hush");
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"hu\xE2\x80\x8Bsh", "[removed]"},
        {"hu\xC2\xADsh \xEF\xBB\xBFhu\x01sh", "[removed] [removed]"},
        {"&#8203;hu&#x200b;sh", "&#8203;[removed]"},
        {"with us, hu sh", "with us, hu sh"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_text(vendor_message_clean(&redaction, str_from(cases[i].text)), cases[i].clean,
                    cases[i].text);
}

/* --- bounds --- */

/* Texts and secrets that repeat themselves, and escapes that become escapes: what they cost must be
 * proportional to their length. */
static void hostile_texts_cost_no_more(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "%25", "&amp;", "\\\\", "aB3", "\\u0025", "=", "+ "};
    char text[REDACT_TEXT_MAX], secret[REDACT_TEXT_MAX];
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        struct arena own = {0};
        struct redaction redaction = {.arena = &own};
        size_t unit = strlen(units[i]);
        for (size_t j = 0; j < sizeof(text); j++)
            text[j] = secret[j] = units[i][j % unit];
        for (size_t j = 1; j <= 8; j++)
            redact_add(&redaction, (struct str){secret, sizeof(secret) / j});
        struct str clean = redact(&redaction, (struct str){text, sizeof(text)});
        assert_true(clean.len <= sizeof(text));
        arena_done(&own);
    }
    struct redaction none = {.arena = &arena};
    assert_text(redact(&none, (struct str){text, sizeof(text) + 1}), "[removed]", "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_removed_in_every_form_and_shape),
        cmocka_unit_test(pieces_go_and_words_stay),
        cmocka_unit_test(an_escape_that_ends_in_a_secret_hides_nothing),
        cmocka_unit_test(escapes_of_long_characters_are_joined),
        cmocka_unit_test(unknown_secrets_go_and_names_stay),
        cmocka_unit_test(ordinary_messages_lose_nothing),
        cmocka_unit_test(invisible_characters_go_first),
        cmocka_unit_test(hostile_texts_cost_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
