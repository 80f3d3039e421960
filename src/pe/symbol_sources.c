/* Symbols that the image itself carries: the COFF symbol table of mingw's and lld's linkers, and exports. */
#include "pe/format.h"
#include "pe/symbol_table.h"

#include <string.h>

struct PE_PACKED coff_symbol {
    union {
        char name[8];
        struct {
            uint32_t zero, offset;
        };
    };
    uint32_t value;
    int16_t section;
    uint16_t type;
    uint8_t class, aux_count;
};

enum { CLASS_EXTERNAL = 2, CLASS_STATIC = 3, CLASS_LABEL = 6, TYPE_FUNCTION = 0x20 };

_Static_assert(sizeof(struct coff_symbol) == 18, "COFF symbol");

static const char *coff_name(const struct pe_image *img, const struct coff_symbol *c, size_t *length)
{
    if (c->zero != 0) {
        *length = strnlen(c->name, sizeof c->name);
        return c->name;
    }
    if (c->offset < 4 || c->offset >= img->string_table_size)
        return NULL;
    const char *s = (const char *)img->file + img->string_table_offset + c->offset;
    *length = strnlen(s, img->string_table_size - c->offset);
    return s;
}

/* Section symbols (.text, .rdata$zzz) mark where objects' parts begin; .refptr.X are real variables. */
static bool is_section_symbol(const char *name, size_t length)
{
    return length == 0 || (name[0] == '.' && !(length > 8 && memcmp(name, ".refptr.", 8) == 0));
}

static bool ends_with(const char *name, size_t length, const char *end)
{
    size_t n = strlen(end);
    return length > n && memcmp(name + length - n, end, n) == 0;
}

/* __bss_start__ and its like would hide the variable that lies there. */
static bool is_linker_mark(const char *name, size_t length)
{
    return length > 2 && memcmp(name, "__", 2) == 0 &&
           (ends_with(name, length, "_start__") || ends_with(name, length, "_end__"));
}

static bool add_coff(struct pe_symbols *s, const struct pe_image *img, const struct coff_symbol *c)
{
    size_t length = 0;
    bool wanted = c->class == CLASS_EXTERNAL || c->class == CLASS_STATIC || c->class == CLASS_LABEL;
    const char *name = wanted && c->section > 0 ? coff_name(img, c, &length) : NULL;
    if (!name || is_section_symbol(name, length) || is_linker_mark(name, length))
        return true;
    uint32_t rva = pe_symbol_rva(s, (uint32_t)c->section, c->value);
    if (rva == 0)
        return true;
    /* The type is 0 in what assemblers and lld write; then the section tells. */
    bool code = c->type == TYPE_FUNCTION || s->sections[c->section - 1].execute;
    struct pe_symbol symbol = { .rva = rva, .source = PE_SYMBOL_COFF, .is_static = c->class != CLASS_EXTERNAL,
                                .kind = code ? PE_SYMBOL_FUNCTION : PE_SYMBOL_DATA };
    return pe_symbol_add(s, &symbol, name, length);
}

bool pe_symbols_coff(struct pe_symbols *s, const struct pe_image *img)
{
    const uint8_t *table = img->file + img->symbol_table_offset;
    for (uint64_t i = 0; i < img->symbol_count;) {
        struct coff_symbol c;
        memcpy(&c, table + i * sizeof c, sizeof c);
        if (!add_coff(s, img, &c))
            return false;
        i += 1 + (uint64_t)c.aux_count;
    }
    return true;
}

/* --- exports -------------------------------------------------------------------------------------------- */

static bool add_export(void *ctx, const struct pe_export *e)
{
    struct pe_symbols *s = ctx;
    struct pe_symbol symbol = { .rva = e->rva, .source = PE_SYMBOL_EXPORT };
    if (!e->name || !e->rva)
        return true;
    for (uint32_t i = 0; i < s->section_count; i++)
        if (e->rva >= s->sections[i].rva && e->rva < s->sections[i].end)
            symbol.kind = s->sections[i].execute ? PE_SYMBOL_FUNCTION : PE_SYMBOL_DATA;
    return pe_symbol_add(s, &symbol, e->name, strlen(e->name));
}

bool pe_symbols_exports(struct pe_symbols *s, const struct pe_mapped *m)
{
    pe_exports(m, add_export, s, NULL, 0); /* of damaged tables, as much as can be read */
    return !s->out_of_memory;
}
