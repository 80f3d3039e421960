/* Names for addresses: exports and named frames of the synthetic images; symbols or exports of real ones. */
#include <stdio.h>
#include <string.h>

#include "pe/symbols.h"
#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"

/* Symbols are a fact about the file: loaded once a process, when first asked for. */
static struct pe_symbols *symbols_of_file(struct image_file *f)
{
    if (!f->symbols) {
        char note[PE_ERROR_TEXT];
        f->symbols = pe_symbols_load(&f->pe, f->path, NULL, note, sizeof note);
    }
    return f->symbols;
}

static struct pe_symbols *symbols_of(const struct image *i)
{
    return symbols_of_file(i->file);
}

const char *image_file_symbol(struct image_file *file, uint32_t rva, uint32_t *offset)
{
    const struct pe_symbols *s = symbols_of_file(file);
    const struct pe_symbol *sym = s ? pe_symbol_at(s, rva, offset) : NULL;
    return sym ? sym->name : NULL;
}

const char *image_symbol(uint64_t address, const struct image **image, uint64_t *offset)
{
    const struct image *i = image_at(address);
    if (!i)
        i = image_unloaded_at(address);
    *image = i;
    *offset = 0;
    if (!i)
        return NULL;
    *offset = address - i->base;
    if (i->synthetic) {
        const struct door_entry *e = door_entry_at(address);
        const char *module, *label = e ? NULL : door_frame_name(address, &module);
        *offset = (address - i->base) & 63;
        return e ? e->name : label;
    }
    uint32_t off = 0;
    const struct pe_symbol *sym = symbols_of(i) ? pe_symbol_at(i->file->symbols, (uint32_t)(address - i->base), &off) : NULL;
    if (sym)
        *offset = off;
    return sym ? sym->name : NULL;
}

void image_symbol_text(uint64_t address, char *text, size_t size)
{
    const struct image *i;
    uint64_t off;
    const char *module, *missing, *name = image_symbol(address, &i, &off);
    if (image_missing_at(address, &module, &missing))
        snprintf(text, size, "%s!%s", module, missing);
    else if (name && off)
        snprintf(text, size, "%s!%s+0x%llx", i->module, name, (unsigned long long)off);
    else if (name)
        snprintf(text, size, "%s!%s", i->module, name);
    else if (i)
        snprintf(text, size, "%s+0x%llx", i->module, (unsigned long long)off);
    else
        snprintf(text, size, "0x%llx", (unsigned long long)address);
}
