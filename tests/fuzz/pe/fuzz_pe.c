/* Hostile images and program databases through everything in src/pe.
 *
 * With libFuzzer: `ninja fuzz_pe_libfuzzer`, then run it on a folder of images. Without: `fuzz_pe N FILE...` replays
 * each file and N mutations of it; the same N and files are the same inputs everywhere. A crash is a bug, so is an
 * assertion; any refusal is fine. */
#include "pe/msf.h"
#include "pe/pdb.h"
#include "pe/symbols.h"
#include "pe/unwind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IMAGE = 4 << 20, MAX_FUNCTIONS = 500 };

static char err[PE_ERROR_TEXT];
static volatile unsigned long touched;

static void touch(const char *s)
{
    if (s)
        touched += strlen(s);
}

/* --- one input ------------------------------------------------------------------------------------------- */

static bool see_import(void *ctx, const struct pe_import *imp)
{
    touch(imp->module);
    touch(imp->name);
    uint64_t address = 0xfedc000000000000 + imp->slot_rva;
    memcpy(pe_at(ctx, imp->slot_rva, 8), &address, 8); /* as a loader does */
    return true;
}

static bool see_export(void *ctx, const struct pe_export *e)
{
    struct pe_export again;
    struct pe_forwarder f;
    touch(e->name);
    if (e->forward && pe_forwarder_parse(e->forward, &f))
        touch(f.name);
    if (e->name)
        pe_export_by_name(ctx, e->name, &again);
    return ++touched % 1000 != 0; /* tables may overlap: a bound on the time, not on what is read */
}

static bool read_made_up(void *ctx, uint64_t va, void *to, size_t len)
{
    const struct pe_mapped *m = ctx;
    if (va - m->va < m->size && len <= m->size - (va - m->va))
        memcpy(to, m->base + (va - m->va), len);
    else
        memset(to, (int)(va >> 3), len);
    return va & 0xff000000 ? true : (va & 0x800) == 0;
}

static void unwind_at(const struct pe_mapped *m, const struct pe_function *fn, uint32_t rva)
{
    struct pe_regs r = { .rip = m->va + rva, .gpr = { [PE_RSP] = 0x1000000, [PE_RBP] = 0x1000100 } };
    struct pe_unwound out;
    if (pe_virtual_unwind(m, fn, 3, &r, read_made_up, (void *)m, &out, err, sizeof err) == PE_OK)
        touched += out.handler_rva;
}

static void unwind_functions(const struct pe_mapped *m)
{
    struct pe_function fn, found;
    for (uint32_t i = 0; i < MAX_FUNCTIONS && pe_function_get(m, i, &fn); i++) {
        pe_function_entry(m, fn.begin_rva, &found);
        pe_function_primary(m, &fn, &found);
        uint32_t length = fn.end_rva - fn.begin_rva;
        for (unsigned k = 0; k < 4; k++)
            unwind_at(m, &fn, fn.begin_rva + length / 4 * k);
        unwind_at(m, &fn, fn.end_rva - 1);
        unwind_at(m, NULL, fn.begin_rva);
    }
}

static void read_directories(const struct pe_mapped *m)
{
    struct pe_tls tls;
    struct pe_load_config config;
    struct pe_codeview cv;
    uint32_t rva;
    if (pe_tls(m, &tls))
        for (unsigned i = 0; i < 100 && pe_tls_callback(m, &tls, i, &rva); i++)
            touched += rva;
    if (pe_load_config(m, &config))
        touched += config.guard_table_count;
    if (pe_codeview(m, &cv))
        touch(cv.path);
    touch(pe_export_module(m));
}

static void read_symbols(const struct pe_image *img)
{
    uint32_t offset;
    struct pe_symbols *s = pe_symbols_load(img, "/nonexistent/image.sys", NULL, err, sizeof err);
    const struct pe_symbol *p;
    if (!s)
        return;
    for (size_t i = 0; i < 1000 && (p = pe_symbol_get(s, i)); i++) {
        pe_symbol_find(s, p->name);
        pe_symbol_at(s, p->rva + p->size, &offset);
    }
    pe_symbols_free(s);
}

static void try_image(const uint8_t *data, size_t size)
{
    struct pe_image img;
    struct pe_mapped m;
    if (pe_open_memory(data, size, &img, err, sizeof err) != PE_OK)
        return;
    for (uint32_t i = 0; i < img.section_count; i++)
        touched += pe_section_prot(&img, &img.sections[i]) + (pe_section_at(&img, img.sections[i].rva) != NULL);
    if (img.size_of_image <= MAX_IMAGE && pe_map_private(&img, &m, err, sizeof err) == PE_OK) {
        read_directories(&m);
        pe_relocate(&m, 0x200100000000, err, sizeof err);
        pe_exports(&m, see_export, &m, err, sizeof err);
        pe_imports(&m, see_import, &m, err, sizeof err);
        read_directories(&m);
        unwind_functions(&m);
        pe_unmap_private(&m);
        read_symbols(&img);
    }
    pe_close(&img);
}

static bool see_symbol(void *ctx, const struct pe_pdb_symbol *s)
{
    for (uint32_t i = 0; i < s->name_length; i++)
        touched += (unsigned char)s->name[i];
    return true;
}

/* The identity is taken from the database itself, so that the rest is reached. */
static void try_database(const uint8_t *data, size_t size)
{
    struct pe_msf f;
    struct pe_codeview wanted = { .path = "" };
    if (pe_msf_open_memory(&f, data, size, err, sizeof err) == PE_OK) {
        pe_msf_read(&f, 1, 12, sizeof wanted.guid, wanted.guid);
        pe_msf_read(&f, 3, 8, sizeof wanted.age, &wanted.age);
        pe_pdb_symbols(&f, &wanted, see_symbol, NULL, err, sizeof err);
    }
    pe_msf_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 9 && memcmp(data, "Microsoft", 9) == 0)
        try_database(data, size);
    else
        try_image(data, size);
    return 0;
}

/* --- without libFuzzer ------------------------------------------------------------------------------------ */

#ifndef FUZZ_LIBFUZZER

static uint64_t state = 88172645463325252u;

static uint64_t next(void) /* xorshift64 */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void edit(uint8_t *p, size_t size)
{
    static const uint32_t values[] = { 0, 1, 0x7f, 0xff, 0xfff, 0x1000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };
    size_t room = next() % 2 && size > 0x600 ? 0x600 : size; /* headers and tables more often than code */
    size_t at = next() % (room - 4);
    uint32_t v = values[next() % (sizeof values / sizeof *values)];
    switch (next() % 5) {
    case 0:
        p[at] = (uint8_t)next();
        break;
    case 1:
        p[at] ^= (uint8_t)(1u << next() % 8);
        break;
    case 2:
        memcpy(p + at, &v, 4);
        break;
    case 3:
        memcpy(&v, p + at, 4);
        v += (uint32_t)(next() % 33) - 16;
        memcpy(p + at, &v, 4);
        break;
    default:
        memmove(p + at, p + next() % (size - 4), 4);
    }
}

static void mutate(const uint8_t *bytes, size_t size)
{
    size_t n = next() % 16 ? size : next() % size + 8;
    if (n > size || n < 8)
        n = size;
    uint8_t *copy = malloc(n); /* exactly as large, for the sanitizer */
    memcpy(copy, bytes, n);
    for (uint64_t edits = next() % 8 + 1; edits; edits--)
        edit(copy, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        return NULL;
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *p = malloc(*size + 1);
    size_t n = p ? fread(p, 1, *size, f) : 0;
    fclose(f);
    return n == *size ? p : NULL;
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
    for (int i = 2; i < argc; i++) {
        size_t size;
        uint8_t *bytes = read_file(argv[i], &size);
        if (!bytes || size < 8) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 1;
        }
        LLVMFuzzerTestOneInput(bytes, size);
        for (unsigned long k = 0; k < rounds; k++)
            mutate(bytes, size);
        free(bytes);
    }
    printf("%d files, %lu mutations of each\n", argc - 2, rounds);
    return 0;
}

#endif
