/* Columns are left out first, then the one with the most room above its least is cut, until the
 * table fits. Two blanks separate columns; the last one is not padded. */
#include "cli/table.h"

#include "cli/terminal.h"

#include <stdio.h>

enum { GAP = 2, PADDED_MAX = 128 /* columns that a cell in a pipe is padded to */ };

struct table {
    const struct table_column *columns;
    size_t count;
    const struct str *cells;
    size_t rows;
    int widths[TABLE_COLUMNS_MAX]; /* 0: left out */
    bool is_whole;                 /* no cell is cut */
};

static struct str cell_at(const struct table *table, size_t row, size_t column)
{
    return table->cells[row * table->count + column];
}

static void measure(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        table->widths[i] = terminal_width(str_from(table->columns[i].header));
        for (size_t row = 0; row < table->rows; row++) {
            int width = terminal_width(cell_at(table, row, i));
            table->widths[i] = width > table->widths[i] ? width : table->widths[i];
        }
        if (table->is_whole && table->widths[i] > PADDED_MAX)
            table->widths[i] = PADDED_MAX;
    }
}

static int total(const struct table *table)
{
    int sum = -GAP;
    for (size_t i = 0; i < table->count; i++)
        sum += table->widths[i] > 0 ? table->widths[i] + GAP : 0;
    return sum;
}

static bool is_uniform(const struct table *table, size_t column)
{
    for (size_t row = 1; row < table->rows; row++) {
        if (!str_eq(cell_at(table, row, column), cell_at(table, 0, column)))
            return false;
    }
    return true;
}

static void fit(struct table *table, int columns)
{
    for (size_t i = 0; i < table->count && total(table) > columns; i++) {
        if (table->columns[i].optional && is_uniform(table, i))
            table->widths[i] = 0;
    }
    while (total(table) > columns) {
        int most = 0;
        size_t widest = 0;
        for (size_t i = 0; i < table->count; i++) {
            int room = table->widths[i] > 0 ? table->widths[i] - table->columns[i].least : 0;
            if (room > most) {
                most = room;
                widest = i;
            }
        }
        if (most == 0)
            return; /* narrower than it can be */
        table->widths[widest]--;
    }
}

static void print_cell(const struct table *table, size_t column, struct str text, int *at)
{
    int width = table->widths[column];
    if (width == 0)
        return;
    printf("%*s", *at, "");
    int printed = terminal_print(stdout, text, table->is_whole ? 0 : width);
    *at = printed < width ? width - printed + GAP : GAP;
}

void table_print(const struct table_column *columns, size_t count, const struct str *cells,
                 size_t rows)
{
    int at = 0, width = terminal_columns();
    struct table table = {
        .columns = columns, .count = count, .cells = cells, .rows = rows, .is_whole = width == 0};
    measure(&table);
    if (width > 0)
        fit(&table, width);
    for (size_t i = 0; i < count; i++)
        print_cell(&table, i, str_from(columns[i].header), &at);
    putchar('\n');
    for (size_t row = 0; row < rows; row++) {
        at = 0;
        for (size_t i = 0; i < count; i++)
            print_cell(&table, i, cell_at(&table, row, i), &at);
        putchar('\n');
    }
}
