/* The words of sample records: what breaks readers most easily is among them, such as characters
 * beyond the BMP, combining marks, right-to-left text, quotes, commas and apostrophes. */
#include "sandbox/records/words.h"

#define WORDS(list)                                                                                \
    {                                                                                              \
        (list), sizeof(list) / sizeof((list)[0])                                                   \
    }

static const struct str things[] = {
    STR("Lighthouse"), STR("Granary"),     STR("Foundry"),   STR("Observatory"), STR("Windmill"),
    STR("Tannery"),    STR("Quarry"),      STR("Viaduct"),   STR("Glassworks"),  STR("Boatyard"),
    STR("Sawmill"),    STR("Planetarium"), STR("Saltworks"), STR("Greenhouse"),  STR("Ferry"),
    STR("Printworks"), STR("Reservoir"),
};

static const struct str places[] = {
    STR("Ærøskøbing"), STR("Łódź"),      STR("São Tomé"),
    STR("Αθήνα"),      STR("Київ"),      STR("東京"),
    STR("القاهرة"),    STR("Reykjavík"), STR("Nukuʻalofa"),
    STR("Zürich"),     STR("Hà Nội"),    STR("서울"),
    STR("Valparaíso"), STR("Oslo"),      STR("Winnipeg, MB"),
    STR("L'Aquila"),   STR("Köln"),      STR("E\xCC\x81tretat"),
    STR("Perth"),
};

static const struct str odd[] = {
    STR("plain"),        STR("two  blanks"),
    STR("\"quoted\""),   STR("comma, semicolon; pipe|"),
    STR("back\\slash"),  STR("100 % of it"),
    STR("under_score"),  STR("it's <b>bold</b> & more"),
    STR("café"),         STR("mountain \xF0\x9F\x8F\x94"),
    STR("=1+1"),         STR("0012"),
    STR("1e5"),          STR("true"),
    STR("null"),         STR("-"),
    STR("N/A"),          STR("Größe übermäßig"),
    STR("日本語の説明"), STR("שלום"),
    STR("2024-02-30"),
};

static const struct str countries[] = {
    STR("Denmark"), STR("Poland"), STR("Japan"),    STR("Egypt"),
    STR("Iceland"), STR("Tonga"),  STR("Viet Nam"), STR("Côte d'Ivoire"),
    STR("Chile"),   STR("Norway"), STR("Canada"),
};

static const struct str prose[] = {
    STR("Delivered to gate 4, before noon."),
    STR("The label says \"fragile\"."),
    STR("First line\nsecond line"),
    STR("A tab\tin the middle."),
    STR("Preis: 1.234,50 €"),
    STR("温度は 21 度です。"),
    STR("Windows line end\r\nhere."),
    STR("No further remarks."),
    STR("Checked twice \xE2\x9C\x94\xEF\xB8\x8F."),
};

const struct word_list words_things = WORDS(things);
const struct word_list words_places = WORDS(places);
const struct word_list words_odd = WORDS(odd);
const struct word_list words_countries = WORDS(countries);
const struct word_list words_prose = WORDS(prose);
