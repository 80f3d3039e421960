/* The table of names: filled from all sources, sorted by address, searched by address and by name. */
#include "pe/symbols.h"
#include "base/assert.h"
#include "pe/demangle.h"
#include "pe/pdb.h"
#include "pe/symbol_table.h"
#include "pe/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { CHUNK = 0x40000, LOOK_BACK = 16, DEMANGLED = 2048 };

/* --- adding ---------------------------------------------------------------------------------------------- */

static const char *keep_name(struct pe_symbols *s, const char *name, size_t length)
{
    struct pe_name_chunk *c = s->names;
    if (!c || c->size - c->used < length + 1) {
        size_t size = length + 1 > CHUNK ? length + 1 : CHUNK;
        c = malloc(sizeof *c + size);
        if (!c)
            return NULL;
        *c = (struct pe_name_chunk){ .next = s->names, .size = size };
        s->names = c;
    }
    char *at = c->bytes + c->used;
    memcpy(at, name, length);
    at[length] = '\0';
    c->used += length + 1;
    return at;
}

static bool reserve(struct pe_symbols *s)
{
    if (s->count < s->room)
        return true;
    size_t room = s->room ? s->room * 2 : 1024;
    struct pe_symbol *at = realloc(s->at, room * sizeof *at);
    if (!at)
        return false;
    s->at = at;
    s->room = room;
    return true;
}

static bool add_one(struct pe_symbols *s, const struct pe_symbol *symbol, const char *name, size_t length)
{
    const char *kept = reserve(s) ? keep_name(s, name, length) : NULL;
    if (!kept || s->count >= UINT32_MAX - 1) {
        s->out_of_memory = true;
        return false;
    }
    struct pe_symbol *at = &s->at[s->count++];
    *at = *symbol;
    /* OBS: debuggers show the linker's `__imp_X`, `__security_check_cookie` and `_guard_dispatch_icall` as `_imp_X`,
     * `_security_check_cookie` and `guard_dispatch_icall`; names of procedures keep their underscores. */
    at->stripped = symbol->source == PE_SYMBOL_PUBLIC && length > 1 && kept[0] == '_';
    at->name = kept + at->stripped;
    return true;
}

bool pe_symbol_add(struct pe_symbols *s, const struct pe_symbol *symbol, const char *name, size_t length)
{
    char plain[DEMANGLED];
    struct pe_symbol first = *symbol;
    if (length && (name[0] == '?' || name[0] == '_') && pe_demangle(name, length, plain, sizeof plain)) {
        if (first.source == PE_SYMBOL_PUBLIC && plain[0] == '_')
            first.source = PE_SYMBOL_COFF; /* this underscore is the name's own */
        if (!add_one(s, &first, plain, strlen(plain)))
            return false;
    }
    return add_one(s, symbol, name, length);
}

uint32_t pe_symbol_rva(const struct pe_symbols *s, uint32_t section, uint32_t offset)
{
    if (section == 0 || section > s->section_count)
        return 0;
    const struct pe_span *at = &s->sections[section - 1];
    return offset < at->end - at->rva ? at->rva + offset : 0;
}

static const struct pe_span *section_of(const struct pe_symbols *s, uint32_t rva)
{
    for (uint32_t i = 0; i < s->section_count; i++)
        if (rva >= s->sections[i].rva && rva < s->sections[i].end)
            return &s->sections[i];
    return NULL;
}

/* --- sorting --------------------------------------------------------------------------------------------- */

/* One stable pass of a radix sort over 11 bits. */
static void sort_pass(const struct pe_symbol *from, struct pe_symbol *to, size_t n, unsigned shift)
{
    size_t start[2049] = { 0 };
    for (size_t i = 0; i < n; i++)
        start[(from[i].rva >> shift & 2047) + 1]++;
    for (unsigned k = 0; k < 2048; k++)
        start[k + 1] += start[k];
    for (size_t i = 0; i < n; i++)
        to[start[from[i].rva >> shift & 2047]++] = from[i];
}

/* By RVA; at one RVA the order of adding remains, which is the order of preference. */
static bool sort_symbols(struct pe_symbols *s)
{
    struct pe_symbol *other = malloc(s->count * sizeof *other + 1);
    if (!other)
        return false;
    sort_pass(s->at, other, s->count, 0);
    sort_pass(other, s->at, s->count, 11);
    sort_pass(s->at, other, s->count, 22);
    free(s->at);
    s->at = other;
    s->room = s->count;
    return true;
}

static bool same_name(const struct pe_symbol *a, const struct pe_symbol *b)
{
    return strcmp(a->name, b->name) == 0 || strcmp(a->name - a->stripped, b->name - b->stripped) == 0;
}

/* Drops what another source already said: the same name at the same address. The better source is first.
 * Groups are small; in a huge one (folded functions) only neighbours are compared. */
static void drop_duplicates(struct pe_symbols *s)
{
    size_t kept = 0, group = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (kept && s->at[kept - 1].rva != s->at[i].rva)
            group = kept;
        size_t k = kept - group > LOOK_BACK ? kept - LOOK_BACK : group;
        while (k < kept && !same_name(&s->at[k], &s->at[i]))
            k++;
        if (k == kept)
            s->at[kept++] = s->at[i];
    }
    s->count = kept;
}

/* Functions without a size get the extent of the .pdata entry that begins with them. Both are sorted. */
static void take_extents(struct pe_symbols *s, const struct pe_mapped *m)
{
    struct pe_function fn = { 0 };
    uint32_t f = 0;
    bool more = pe_function_get(m, f, &fn);
    for (size_t i = 0; i < s->count && more; i++) {
        struct pe_symbol *at = &s->at[i];
        while (more && fn.begin_rva < at->rva)
            more = pe_function_get(m, ++f, &fn);
        if (more && fn.begin_rva == at->rva && at->size == 0 && at->kind == PE_SYMBOL_FUNCTION)
            at->size = fn.end_rva > fn.begin_rva ? fn.end_rva - fn.begin_rva : 0;
    }
}

/* --- the PDB --------------------------------------------------------------------------------------------- */

static bool add_pdb(void *ctx, const struct pe_pdb_symbol *p)
{
    struct pe_symbols *s = ctx;
    uint32_t rva = pe_symbol_rva(s, p->section, p->offset);
    struct pe_symbol symbol = { .rva = rva, .size = p->size, .kind = p->kind, .source = p->source,
                                .is_static = p->is_static };
    if (rva && p->source == PE_SYMBOL_PUBLIC && s->sections[p->section - 1].execute)
        symbol.kind = PE_SYMBOL_FUNCTION; /* assemblers and lld do not always set the flags */
    return rva == 0 || pe_symbol_add(s, &symbol, p->name, p->name_length);
}

static const char *base_name(const char *path)
{
    const char *base = path;
    for (; *path; path++)
        if (*path == '/' || *path == '\\')
            base = path + 1;
    return base;
}

/* The folder of a symbol server's layout: the GUID as four numbers, then the age, all in hexadecimal. */
static void guid_age(const struct pe_codeview *cv, char out[48])
{
    const uint8_t *g = cv->guid;
    snprintf(out, 48, "%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%X", g[3], g[2], g[1], g[0],
             g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15], cv->age);
}

enum { FORMS = 6 };

/* The forms in which a folder may hold a program database: as it is, in a symbol server's layout with keys in either case,
 * and that with the additional level that large stores have. */
static void in_folder(const struct pe_codeview *cv, const char *dir, int length, int form, char *out, size_t n)
{
    const char *name = base_name(cv->path);
    char key[48];
    guid_age(cv, key);
    if (form % 2 == 0)
        for (char *c = key; *c; c++)
            *c = *c >= 'A' && *c <= 'F' ? (char)(*c + 32) : *c;
    switch (form) {
    case 0:
        snprintf(out, n, "%.*s/%s", length, dir, name);
        return;
    case 1: case 2:
        snprintf(out, n, "%.*s/%s/%s/%s", length, dir, name, key, name);
        return;
    case 3: case 4:
        snprintf(out, n, "%.*s/%.2s/%s/%s/%s", length, dir, name, name, key, name);
        return;
    default:
        snprintf(out, n, "%.*s/%s/%s", length, dir, name, name);
    }
}

/* The k-th folder of a list: DIR, DIR:DIR, DIR;DIR, or as debuggers write it: srv*DIR*URL, cache*DIR. Only absolute and
 * relative folders of this machine count; what is not one is passed over. */
static bool folder_of(const char *list, int k, const char **dir, int *length)
{
    while (list && *list) {
        size_t n = strcspn(list, ";*:");
        bool url = strncmp(list + n, "://", 3) == 0;
        bool word = list[n] == '*' || (n == 3 && strncasecmp(list, "srv", 3) == 0) || (n == 5 && strncasecmp(list, "cache", 5) == 0) ||
                    (n == 6 && strncasecmp(list, "symsrv", 6) == 0);
        bool part = n && !url && !(word && (strncasecmp(list, "srv", n) == 0 || strncasecmp(list, "cache", n) == 0 || strncasecmp(list, "symsrv", n) == 0));
        if (part && k-- == 0) {
            *dir = list;
            *length = (int)n;
            return true;
        }
        list += n;
        if (url)
            list += strcspn(list, ";*");
        list += *list != 0;
    }
    return false;
}

bool pe_pdb_candidate(const struct pe_codeview *cv, const char *image_path, const char *dirs, int i, char *out, size_t n)
{
    const char *name = base_name(cv->path), *dir;
    int length;
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    if (i == 0) {
        snprintf(out, n, "%.*s%s", (int)(base_name(image_path) - image_path), image_path, name);
        return true;
    }
    i--;
    const char *lists[] = { dirs, getenv("IRPLAB_SYMBOLS"), getenv("_NT_SYMBOL_PATH") };
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++)
        for (int k = 0; folder_of(lists[l], k, &dir, &length); k++, i -= FORMS)
            if (i < FORMS) {
                in_folder(cv, dir, length, i, out, n);
                return true;
            }
    return false;
}

static enum pe_status read_pdb(struct pe_symbols *s, const struct pe_codeview *cv, const char *path, char *note,
                               size_t notelen)
{
    struct pe_msf f;
    size_t before = s->count;
    enum pe_status st = pe_msf_open(&f, path, note, notelen);
    if (st == PE_OK)
        st = pe_pdb_symbols(&f, cv, add_pdb, s, note, notelen);
    pe_msf_close(&f);
    if (st == PE_OK)
        s->pdb_path = strdup(path);
    else
        s->count = before;
    return st;
}

/* A candidate that exists but does not fit is remembered in the note while the search goes on. */
static void find_pdb(struct pe_symbols *s, const struct pe_codeview *cv, const char *image_path, const char *dir,
                     char *note, size_t notelen)
{
    const char *name = base_name(cv->path);
    char path[PATH_MAX], why[PE_ERROR_TEXT];
    pe_bad(note, notelen, "%s not found", name[0] ? name : "program database");
    for (int i = 0; pe_pdb_candidate(cv, image_path, dir, i, path, sizeof path); i++) {
        if (access(path, F_OK) != 0)
            continue;
        if (read_pdb(s, cv, path, why, sizeof why) == PE_OK) {
            if (notelen)
                note[0] = '\0';
            return;
        }
        pe_bad(note, notelen, "%s: %s", path, why);
    }
}

/* --- loading --------------------------------------------------------------------------------------------- */

/* Only the sections that hold the directories read here: laying out all of a large image costs more than the rest. */
static bool map_directories(const struct pe_image *img, struct pe_mapped *m)
{
    static const int wanted[] = { PE_DIR_EXPORT, PE_DIR_EXCEPTION, PE_DIR_DEBUG };
    struct pe_image part = *img;
    part.section_count = 0;
    for (uint32_t i = 0; i < img->section_count; i++) {
        const struct pe_section *s = &img->sections[i];
        bool holds = false;
        for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
            holds |= img->dirs[wanted[k]].size && img->dirs[wanted[k]].rva >= s->rva &&
                     img->dirs[wanted[k]].rva - s->rva < pe_section_span(img, s);
        if (holds)
            part.sections[part.section_count++] = *s;
    }
    return pe_map_private(&part, m, NULL, 0) == PE_OK;
}

static void copy_sections(struct pe_symbols *s, const struct pe_image *img)
{
    s->section_count = img->section_count;
    for (uint32_t i = 0; i < img->section_count; i++) {
        const struct pe_section *from = &img->sections[i];
        s->sections[i] = (struct pe_span){ .rva = from->rva, .end = from->rva + pe_section_span(img, from),
                                           .execute = (from->flags & PE_SCN_EXECUTE) != 0 };
    }
}

/* In order of preference. */
static void fill(struct pe_symbols *s, const struct pe_image *img, const struct pe_mapped *m, const char *image_path,
                 const char *symbol_dir, char *note, size_t notelen)
{
    struct pe_codeview cv;
    if (pe_codeview(m, &cv))
        find_pdb(s, &cv, image_path, symbol_dir, note, notelen);
    size_t before = s->count;
    pe_symbols_coff(s, img);
    bool any = before > 0;
    for (size_t i = before; i < s->count && !any; i++)
        any = s->at[i].kind == PE_SYMBOL_FUNCTION;
    if (!any) /* twenty times the code: only where nothing else has names */
        pe_symbols_dwarf(s, img);
    pe_symbols_exports(s, m);
}

struct pe_symbols *pe_symbols_load(const struct pe_image *img, const char *image_path, const char *symbol_dir,
                                   char *note, size_t notelen)
{
    IR_ASSERT(img && img->file && image_path);
    struct pe_symbols *s = calloc(1, sizeof *s);
    struct pe_mapped m = { 0 };
    if (notelen)
        note[0] = '\0';
    if (!s || !map_directories(img, &m)) {
        free(s);
        return NULL;
    }
    copy_sections(s, img);
    fill(s, img, &m, image_path, symbol_dir, note, notelen);
    bool ok = !s->out_of_memory && sort_symbols(s);
    if (ok) {
        drop_duplicates(s);
        take_extents(s, &m);
    }
    pe_unmap_private(&m);
    if (ok)
        return s;
    pe_symbols_free(s);
    return NULL;
}

void pe_symbols_free(struct pe_symbols *s)
{
    if (!s)
        return;
    for (struct pe_name_chunk *c = s->names, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(s->at);
    free(s->by_name);
    free(s->pdb_path);
    free(s);
}

/* --- searching ------------------------------------------------------------------------------------------- */

size_t pe_symbol_count(const struct pe_symbols *s)
{
    return s->count;
}

const struct pe_symbol *pe_symbol_get(const struct pe_symbols *s, size_t i)
{
    return i < s->count ? &s->at[i] : NULL;
}

const char *pe_symbols_pdb(const struct pe_symbols *s)
{
    return s->pdb_path;
}

/* How many symbols lie at or before an RVA. */
static size_t upper_bound(const struct pe_symbols *s, uint32_t rva)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->at[mid].rva <= rva)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct pe_symbol *pe_symbol_at(const struct pe_symbols *s, uint32_t rva, uint32_t *offset)
{
    const struct pe_span *section = section_of(s, rva);
    size_t n = upper_bound(s, rva);
    /* A symbol that ends too early may lie inside a larger one (a label, an alias): look a little further back. */
    for (unsigned tries = 0; section && n > 0 && tries < LOOK_BACK; tries++) {
        n--;
        while (n > 0 && s->at[n - 1].rva == s->at[n].rva)
            n--;
        const struct pe_symbol *at = &s->at[n];
        if (at->rva < section->rva)
            return NULL;
        if (at->size && rva - at->rva >= at->size)
            continue;
        if (offset)
            *offset = rva - at->rva;
        return at;
    }
    return NULL;
}

/* --- names ----------------------------------------------------------------------------------------------- */

static uint32_t hash_name(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h;
}

static bool index_names(struct pe_symbols *s)
{
    size_t size = 64;
    while (size < s->count * 2)
        size *= 2;
    s->by_name = calloc(size, sizeof *s->by_name);
    if (!s->by_name)
        return false;
    s->by_name_size = size;
    for (size_t i = 0; i < s->count; i++) {
        size_t k = hash_name(s->at[i].name) & (size - 1);
        while (s->by_name[k])
            k = (k + 1) & (size - 1);
        s->by_name[k] = (uint32_t)i + 1;
    }
    return true;
}

/* The best of those with this name: a function before data, else the first by address. */
static const struct pe_symbol *lookup(const struct pe_symbols *s, const char *name, bool decorated)
{
    const struct pe_symbol *best = NULL;
    size_t mask = s->by_name_size - 1;
    for (size_t k = hash_name(name) & mask; s->by_name[k]; k = (k + 1) & mask) {
        const struct pe_symbol *at = &s->at[s->by_name[k] - 1];
        if (strcmp(at->name, name) != 0 || (decorated && !at->stripped))
            continue;
        if (!best || at->kind < best->kind || (at->kind == best->kind && at < best))
            best = at;
    }
    return best;
}

const struct pe_symbol *pe_symbol_find(struct pe_symbols *s, const char *name)
{
    if (!s->by_name && !index_names(s))
        return NULL;
    const struct pe_symbol *at = lookup(s, name, false);
    return at || name[0] != '_' ? at : lookup(s, name + 1, true);
}
