/* Names for addresses: exports and named frames of the synthetic images; symbols or exports of real ones. */
#include <stdio.h>
#include <string.h>

#include "sim/door.h"
#include "sim/image.h"
#include "sim/machine.h"

struct nearest {
    uint32_t rva, best;
    const char *name;
};

static bool closer(void *ctx, const struct pe_export *e)
{
    struct nearest *n = ctx;
    if (e->rva && e->rva <= n->rva && e->name && (!n->name || e->rva > n->best)) {
        n->best = e->rva;
        n->name = e->name;
    }
    return true;
}

const char *image_symbol(uint64_t address, const struct image **image, uint64_t *offset)
{
    const struct image *i = image_at(address);
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
    struct nearest n = { .rva = (uint32_t)(address - i->base) };
    char err[PE_ERROR_TEXT];
    pe_exports(&i->pe, closer, &n, err, sizeof err);
    if (n.name)
        *offset = n.rva - n.best;
    return n.name;
}

void image_symbol_text(uint64_t address, char *text, size_t size)
{
    const struct image *i;
    uint64_t off;
    const char *name = image_symbol(address, &i, &off);
    if (name && off)
        snprintf(text, size, "%s!%s+0x%llx", i->module, name, (unsigned long long)off);
    else if (name)
        snprintf(text, size, "%s!%s", i->module, name);
    else if (i)
        snprintf(text, size, "%s+0x%llx", i->module, (unsigned long long)off);
    else
        snprintf(text, size, "0x%llx", (unsigned long long)address);
}
