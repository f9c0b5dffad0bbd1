/* HTML, written by hand and escaped at one place. */
#include "api/consent_page.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"

enum { PAGE_MAX = 64 * 1024, SCOPES_SHOWN_MAX = 100 };

static const char style[] =
    ":root{color-scheme:light dark;--page:#f3f5f7;--card:#fff;--text:#1b1f24;--soft:#57606a;"
    "--line:#d5dae0;--act:#0b5cad;--on-act:#fff;--good:#1a7f37;--bad:#b42318;--code:#eef1f4}"
    "@media(prefers-color-scheme:dark){:root{--page:#0f1317;--card:#191f25;--text:#e8ecf0;"
    "--soft:#a3adb8;--line:#343d47;--act:#7ab8ff;--on-act:#08223e;--good:#5fd07f;--bad:#ff9186;"
    "--code:#252d35}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--page);color:var(--text);"
    "font:16px/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Liberation Sans\",sans-serif}"
    "main{max-width:34rem;margin:8vh auto;padding:2rem;background:var(--card);"
    "border:1px solid var(--line);border-radius:12px}"
    ".name{margin:0 0 1.5rem;color:var(--soft);font-size:.875rem;letter-spacing:.02em}"
    "h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}"
    "h1.good{color:var(--good)}h1.bad{color:var(--bad)}"
    "p{margin:0 0 1rem}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.5rem 1.25rem;margin:0 0 1.5rem;"
    "padding:1rem 0;border:solid var(--line);border-width:1px 0}"
    "dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}"
    "ul{margin:0;padding:0;list-style:none}"
    "code{padding:.1em .35em;background:var(--code);border-radius:4px;"
    "font:.875em/1.6 ui-monospace,Menlo,Consolas,\"Liberation Mono\",monospace}"
    "blockquote{margin:0 0 1rem;padding:.75rem 1rem;background:var(--code);border-radius:8px;"
    "overflow-wrap:anywhere}"
    "button,.act{display:inline-block;padding:.75rem 1.5rem;border:0;border-radius:8px;"
    "background:var(--act);color:var(--on-act);font:inherit;font-weight:600;"
    "text-decoration:none;cursor:pointer}"
    "button:hover,.act:hover{filter:brightness(1.1)}"
    ":focus-visible{outline:3px solid var(--act);outline-offset:3px}"
    ".small{margin:1rem 0 0;color:var(--soft);font-size:.875rem}"
    "@media(max-width:30rem){main{margin:0;min-height:100vh;padding:1.5rem 1.25rem;border:0;"
    "border-radius:0}dl{grid-template-columns:1fr;gap:.125rem}dd{margin-bottom:.75rem}"
    "dd:last-child{margin-bottom:0}button,.act{display:block;width:100%;text-align:center}}";

struct str consent_style(void)
{
    return (struct str){style, sizeof(style) - 1};
}

/* --- parts --- */

static struct buf begin(struct arena *arena, struct str title, const char *kind)
{
    struct buf page = buf_in(arena, PAGE_MAX);
    buf_add_cstr(&page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width\">\n"
                        "<meta name=\"robots\" content=\"noindex\">\n<title>");
    encode_html(&page, title);
    buf_printf(&page,
               " - Headgate</title>\n<link rel=\"stylesheet\" href=\"" CONSENT_STYLE_PATH
               "\">\n</head>\n<body>\n<main>\n<p class=\"name\">Headgate</p>\n<h1 class=\"%s\">",
               kind);
    encode_html(&page, title);
    buf_add_cstr(&page, "</h1>\n");
    return page;
}

static struct str end(struct buf *page)
{
    buf_add_cstr(page, "</main>\n</body>\n</html>\n");
    return buf_str(page);
}

static void add_row(struct buf *page, const char *name, struct str value)
{
    buf_printf(page, "<dt>%s</dt><dd>", name);
    encode_html(page, value);
    buf_add_cstr(page, "</dd>\n");
}

static void add_profile(struct buf *page, const struct profile_key *key)
{
    add_row(page, "Connector profile", key->name);
    add_row(page, "AWS account", key->account);
    add_row(page, "Region", key->region);
}

/* One a line; separated by blanks or commas. */
static void add_scopes(struct buf *page, struct str scopes)
{
    size_t from = 0, shown = 0;
    buf_add_cstr(page, "<dt>Permissions</dt><dd>");
    if (scopes.len == 0)
        buf_add_cstr(page, "those that the vendor's app has");
    else
        buf_add_cstr(page, "<ul>");
    for (size_t i = 0; i <= scopes.len; i++) {
        if (i < scopes.len && scopes.data[i] != ' ' && scopes.data[i] != ',')
            continue;
        if (i > from && shown++ < SCOPES_SHOWN_MAX) {
            buf_add_cstr(page, "<li><code>");
            encode_html(page, (struct str){scopes.data + from, i - from});
            buf_add_cstr(page, "</code></li>");
        }
        from = i + 1;
    }
    buf_add_cstr(page, scopes.len == 0 ? "</dd>\n" : "</ul></dd>\n");
}

/* --- pages --- */

struct str consent_page_ask(struct arena *arena, const struct consent *consent,
                            struct str form_token)
{
    const struct consent_ticket *ticket = &consent->ticket;
    bool is_new = str_eq(ticket->operation, STR("CreateConnectorProfile"));
    long long minutes = (consent->row.expires_at_ms - clock_wall_ms()) / 60000 + 1;
    struct buf page =
        begin(arena, arena_printf(arena, "Connect %.*s", STR_ARG(ticket->connector)), "");
    buf_printf(&page,
               "<p>This server is going to use your account at the vendor for the connector "
               "profile below%s.</p>\n<dl>\n",
               is_new ? ", which is new" : "");
    add_profile(&page, &consent->row.key);
    add_row(&page, "You authorize at", ticket->host);
    add_scopes(&page, ticket->scope);
    buf_add_cstr(&page, "</dl>\n<form method=\"post\"><input type=\"hidden\" name=\"token\" "
                        "value=\"");
    encode_html(&page, form_token);
    buf_add_cstr(&page, "\"><button type=\"submit\">Continue to ");
    encode_html(&page, ticket->host);
    buf_printf(&page,
               "</button></form>\n<p class=\"small\">Go on only if you or your team asked for "
               "this link. It works for %lld more minute%s, in one browser.</p>\n",
               minutes, minutes == 1 ? "" : "s");
    return end(&page);
}

struct str consent_page_leave(struct arena *arena, const struct consent *consent, struct str url)
{
    struct buf page =
        begin(arena, arena_printf(arena, "Going to %.*s", STR_ARG(consent->ticket.host)), "");
    buf_add_cstr(&page, "<p>Your browser opens the vendor's page now. If it does not:</p>\n"
                        "<p><a class=\"act\" rel=\"noreferrer\" href=\"");
    encode_html(&page, url);
    buf_add_cstr(&page, "\">Continue to ");
    encode_html(&page, consent->ticket.host);
    buf_add_cstr(&page, "</a></p>\n");
    return end(&page);
}

struct str consent_page_wait(struct arena *arena)
{
    struct buf page = begin(arena, STR("One moment"), "");
    buf_add_cstr(&page, "<p role=\"status\">This server is checking with the vendor what you "
                        "authorized. The page loads again by itself.</p>\n");
    return end(&page);
}

static void add_command(struct buf *page, struct str name)
{
    buf_add_cstr(page, "<p class=\"small\">For a new link: <code>headgate connect ");
    encode_html(page, name);
    buf_add_cstr(page, "</code>, with the same options as for this one (<code>--connector</code> "
                       "for a new profile)</p>\n");
}

struct str consent_page_end(struct arena *arena, const struct consent_outcome *outcome,
                            const struct consent_row *row)
{
    struct buf page = begin(arena, str_from(outcome->title), outcome->good ? "good" : "bad");
    buf_printf(&page, "<p role=\"status\">%s</p>\n", outcome->text);
    if (row && row->words.len > 0) {
        buf_add_cstr(&page, "<blockquote>");
        encode_html(&page, row->words);
        buf_add_cstr(&page, "</blockquote>\n");
    }
    if (row) {
        buf_add_cstr(&page, "<dl>\n");
        add_profile(&page, &row->key);
        buf_add_cstr(&page, "</dl>\n");
    }
    if (outcome->again)
        add_command(&page, row ? row->key.name : STR("NAME"));
    return end(&page);
}
