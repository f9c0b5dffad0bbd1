/* Text has what people look for; JSON has every member of a row that is set. */
#include "cli/audit_print.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"

#include <stdio.h>

enum { LINE_MAX_SIZE = 64 * 1024 };

/* The key that signed the request, or the user of the machine. */
static void print_who(const struct audit_entry *entry)
{
    if (entry->os_user.len > 0)
        printf("user:%.*s", STR_ARG(entry->os_user));
    else
        printf("%.*s", STR_ARG(entry->access_key_id));
}

static void print_text(const struct audit_entry *entry, bool with_account)
{
    char when[CLOCK_TEXT_SIZE];
    clock_text(entry->at_ms, when);
    printf("%s  ", when);
    if (with_account)
        printf("%.*s  ", STR_ARG(entry->account.len > 0 ? entry->account : STR("-")));
    printf("%.*s  ", STR_ARG(entry->region.len > 0 ? entry->region : STR("-")));
    print_who(entry);
    printf("  %.*s  %.*s  %.*s\n", STR_ARG(entry->operation), STR_ARG(entry->resource),
           STR_ARG(entry->outcome));
    if (entry->repeated > 0) {
        clock_text(entry->last_at_ms, when);
        printf("    %lld more until %s\n", (long long)entry->repeated, when);
    }
    if (entry->detail.len > 0)
        printf("    %.*s\n", STR_ARG(entry->detail));
}

/* --- JSON --- */

static void add_name(struct buf *line, const char *name)
{
    buf_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", name);
}

static void add_text(struct buf *line, const char *name, struct str text)
{
    if (!text.data)
        return;
    add_name(line, name);
    encode_json_string(line, text);
}

static void add_number(struct buf *line, const char *name, int64_t number)
{
    if (number == 0)
        return;
    add_name(line, name);
    buf_add_i64(line, number);
}

static void add_time(struct buf *line, const char *name, int64_t at_ms)
{
    char when[CLOCK_TEXT_SIZE];
    if (at_ms == 0)
        return;
    clock_text(at_ms, when);
    add_text(line, name, str_from(when));
}

static void add_mac(struct buf *line, struct str mac)
{
    char text[2 * AUDIT_MAC_SIZE + 1];
    if (mac.len != AUDIT_MAC_SIZE)
        return;
    encode_hex(mac.data, mac.len, text);
    add_text(line, "mac", str_from(text));
}

static void print_json(const struct audit_row *row)
{
    const struct audit_entry *entry = &row->entry;
    struct buf line = buf_on_heap(LINE_MAX_SIZE);
    buf_add_char(&line, '{');
    add_time(&line, "time", entry->at_ms);
    add_number(&line, "timeMs", entry->at_ms);
    add_text(&line, "account", entry->account);
    add_text(&line, "region", entry->region);
    add_text(&line, "accessKeyId", entry->access_key_id);
    add_text(&line, "osUser", entry->os_user);
    add_text(&line, "operation", entry->operation);
    add_text(&line, "resource", entry->resource);
    add_text(&line, "outcome", entry->outcome);
    add_text(&line, "detail", entry->detail);
    add_text(&line, "requestId", entry->request_id);
    add_number(&line, "version", entry->version);
    add_number(&line, "repeated", entry->repeated);
    add_time(&line, "lastTime", entry->last_at_ms);
    add_name(&line, "chain");
    buf_add_i64(&line, row->chain);
    add_number(&line, "number", row->number);
    add_mac(&line, row->mac);
    buf_add_char(&line, '}');
    printf("%.*s\n", STR_ARG(buf_str(&line)));
    buf_done(&line);
}

void audit_print_row(const struct audit_print *print, const struct audit_row *row)
{
    if (print->as_json)
        print_json(row);
    else
        print_text(&row->entry, print->with_account);
}
