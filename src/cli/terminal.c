/* A character counts as one column, which is right for the scripts that messages have. */
#include "cli/terminal.h"

#include "base/encode.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026 */

enum { COLUMNS_LEAST = 20, LABEL_WIDTH = 9 };

int terminal_columns(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 0;
    return size.ws_col < COLUMNS_LEAST ? COLUMNS_LEAST : size.ws_col;
}

/* Characters that change the order or the lines in which others are shown (Unicode, UAX 9). */
static bool is_order(uint32_t code)
{
    return code == 0x061c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static bool is_shown(uint32_t code)
{
    return code >= 0x20 && (code < 0x7f || code >= 0xa0) && !is_order(code);
}

/* The next character of the text, 1 byte where it is not UTF-8; moves the text behind it. */
static struct str next(struct str *text)
{
    uint32_t code;
    size_t len = utf8_next(*text, &code);
    bool shown = len > 0 && is_shown(code);
    struct str character = shown ? (struct str){text->data, len} : STR("?");
    len = len > 0 ? len : 1;
    *text = (struct str){text->data + len, text->len - len};
    return character;
}

int terminal_width(struct str text)
{
    int width = 0;
    for (; text.len > 0; width++)
        next(&text);
    return width;
}

struct str terminal_text(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.len + 1); /* no character becomes longer */
    size_t len = 0;
    while (text.len > 0) {
        struct str character = next(&text);
        memcpy(out + len, character.data, character.len);
        len += character.len;
    }
    return (struct str){out, len};
}

int terminal_print(FILE *file, struct str text, int columns)
{
    bool cut = columns > 0 && terminal_width(text) > columns;
    int left = cut ? columns - 1 : 0, width = 0;
    for (; text.len > 0 && (!cut || width < left); width++) {
        struct str character = next(&text);
        fwrite(character.data, 1, character.len, file);
    }
    if (cut)
        fputs(ELLIPSIS, file);
    return width + cut;
}

void terminal_print_json(FILE *file, struct str json)
{
    while (json.len > 0) {
        uint32_t code;
        size_t len = utf8_next(json, &code);
        if (len == 0)
            fputs("\\ufffd", file);
        else if (is_shown(code))
            fwrite(json.data, 1, len, file);
        else
            fprintf(file, "\\u%04x", (unsigned)code);
        len = len > 0 ? len : 1;
        json = (struct str){json.data + len, json.len - len};
    }
}

void terminal_print_wrapped(const char *label, struct str text)
{
    int columns = terminal_columns(), at = LABEL_WIDTH;
    struct str word, rest = text;
    bool more = text.len > 0;
    printf("%-*s", LABEL_WIDTH, label);
    while (more) {
        struct str after = STR("");
        word = rest;
        more = str_cut(rest, ' ', &word, &after);
        rest = after;
        int width = terminal_width(word);
        if (at > LABEL_WIDTH && columns > 0 && at + 1 + width > columns) {
            printf("\n%*s", LABEL_WIDTH, "");
            at = LABEL_WIDTH;
        } else if (at > LABEL_WIDTH) {
            putchar(' ');
            at++;
        }
        at += terminal_print(stdout, word, 0);
    }
    putchar('\n');
}
