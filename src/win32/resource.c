/* Resources of modules, and the texts among them.
 *
 * DOC: "PE Format", the .rsrc section: three levels of directories (type, name, language); references count from the section's start,
 * except for those of the data, which are RVAs. A name below 0x10000 is a number, and so is "#12". */
#include "win32/exports.h"

#include "sim/image.h"

enum { RT_STRING = 6, DEEPER = (int)0x80000000, LANGUAGE_US = 0x409, ERROR_RESOURCE_DATA_NOT_FOUND_ = 1812, ERROR_RESOURCE_TYPE_NOT_FOUND_ = 1813,
       ERROR_RESOURCE_NAME_NOT_FOUND_ = 1814, ERROR_RESOURCE_LANG_NOT_FOUND_ = 1815 };

struct directory {
    uint32_t characteristics, time;
    uint16_t major, minor, names, numbers;
    struct entry {
        uint32_t name, offset;
    } entries[];
};
struct data {
    uint32_t rva, bytes, code_page, reserved;
};

static const struct image *module_of(uint64_t module)
{
    struct image *i = module ? image_at(module & ~3ull) : ps_current()->process->image;
    if (!i || !i->pe.dirs[PE_DIR_RESOURCE].size) {
        w32_error(ERROR_RESOURCE_DATA_NOT_FOUND_);
        return NULL;
    }
    return i;
}

/* Images are hostile: each reference is looked at. */
static const void *section_at(const struct image *i, uint32_t offset, uint32_t bytes)
{
    const struct pe_directory *d = &i->pe.dirs[PE_DIR_RESOURCE];
    if (offset > d->size || bytes > d->size - offset)
        return NULL;
    return (const void *)(i->base + d->rva + offset);
}

static const struct directory *directory_at(const struct image *i, uint32_t offset)
{
    const struct directory *d = section_at(i, offset, sizeof *d);
    return d && section_at(i, offset, (uint32_t)(sizeof *d + (d->names + d->numbers) * 8u)) ? d : NULL;
}

/* What a program may pass: a number, "#number" or a text. */
struct wanted {
    const WCHAR *text; /* NULL: the number */
    uint32_t number;
};

static struct wanted wanted_of(const WCHAR *name)
{
    struct wanted w = { NULL, (uint32_t)(uint64_t)name };
    if ((uint64_t)name < 0x10000)
        return w;
    if (name[0] != '#')
        return (struct wanted) { name, 0 };
    w.number = 0;
    for (const WCHAR *s = name + 1; *s >= '0' && *s <= '9'; s++)
        w.number = w.number * 10 + (*s - '0');
    return w;
}

static bool name_equals(const struct image *i, uint32_t offset, const WCHAR *text)
{
    const uint16_t *length = section_at(i, offset, 2);
    const WCHAR *s = length ? section_at(i, offset + 2, *length * 2u) : NULL;
    if (!s || w32_wcslen(text) != *length)
        return false;
    for (uint16_t k = 0; k < *length; k++)
        if (w32_upper(s[k]) != w32_upper(text[k]))
            return false;
    return true;
}

static const struct entry *find(const struct image *i, const struct directory *d, struct wanted w)
{
    for (uint32_t k = 0; d && k < (uint32_t)d->names + d->numbers; k++) {
        const struct entry *e = &d->entries[k];
        bool named = e->name & DEEPER;
        if (w.text ? named && name_equals(i, e->name & ~DEEPER, w.text) : !named && e->name == w.number)
            return e;
    }
    return NULL;
}

static const struct directory *below(const struct image *i, const struct entry *e)
{
    return e && e->offset & DEEPER ? directory_at(i, e->offset & ~DEEPER) : NULL;
}

/* The language asked for, else any: neutral, American, the first. */
static const struct entry *language(const struct image *i, const struct directory *d, uint16_t wanted, bool exact)
{
    const uint16_t order[] = { wanted, 0, LANGUAGE_US };
    const struct entry *e = NULL;
    for (int k = 0; k < (exact ? 1 : 3) && !e; k++)
        e = find(i, d, (struct wanted) { NULL, order[k] });
    if (!e && !exact && d && d->names + d->numbers)
        e = &d->entries[0];
    return e;
}

static const struct data *resource(uint64_t module, const WCHAR *type, const WCHAR *name, uint16_t wanted, ULONG *error)
{
    const struct image *i = module_of(module);
    *error = ERROR_RESOURCE_DATA_NOT_FOUND_;
    if (!i)
        return NULL;
    const struct entry *t = find(i, directory_at(i, 0), wanted_of(type));
    *error = ERROR_RESOURCE_TYPE_NOT_FOUND_;
    const struct entry *n = find(i, below(i, t), wanted_of(name));
    if (t)
        *error = ERROR_RESOURCE_NAME_NOT_FOUND_;
    const struct entry *l = language(i, below(i, n), wanted, wanted != 0);
    if (n)
        *error = ERROR_RESOURCE_LANG_NOT_FOUND_;
    const struct data *d = l && !(l->offset & DEEPER) ? section_at(i, l->offset, sizeof *d) : NULL;
    return d && d->rva <= i->size && d->bytes <= i->size - d->rva ? d : NULL;
}

/* ---- exports ---- */

const void *FindResourceExW(uint64_t module, const WCHAR *type, const WCHAR *name, uint16_t wanted)
{
    ULONG error;
    const struct data *d = resource(module, type, name, wanted, &error);
    if (!d)
        w32_error(error);
    return d;
}

const void *FindResourceW(uint64_t module, const WCHAR *name, const WCHAR *type)
{
    return FindResourceExW(module, type, name, 0);
}

const void *FindResourceExA(uint64_t module, const char *type, const char *name, uint16_t wanted)
{
    uint64_t t = (uint64_t)type < 0x10000 ? 0 : w32_widen(type), n = (uint64_t)name < 0x10000 ? 0 : w32_widen(name);
    const void *d = FindResourceExW(module, t ? (const WCHAR *)t : (const WCHAR *)type, n ? (const WCHAR *)n : (const WCHAR *)name, wanted);
    w32_free(t);
    w32_free(n);
    return d;
}

const void *FindResourceA(uint64_t module, const char *name, const char *type)
{
    return FindResourceExA(module, type, name, 0);
}

uint64_t LoadResource(uint64_t module, const struct data *found)
{
    const struct image *i = found ? module_of(module) : NULL;
    return i ? i->base + found->rva : 0;
}

uint64_t LockResource(uint64_t loaded)
{
    return loaded;
}

ULONG SizeofResource(uint64_t module, const struct data *found)
{
    return found ? found->bytes : 0;
}

/* DOC: nothing is freed any more. */
BOOL FreeResource(uint64_t loaded)
{
    return FALSE;
}

/* The name as callbacks get it: a number, or a copy that is theirs for the call. */
static uint64_t name_for_callback(const struct image *i, const struct entry *e, bool wide)
{
    if (!(e->name & DEEPER))
        return e->name;
    const uint16_t *length = section_at(i, e->name & ~DEEPER, 2);
    const WCHAR *s = length ? section_at(i, (e->name & ~DEEPER) + 2, *length * 2u) : NULL;
    WCHAR *copy = s ? (WCHAR *)w32_alloc_zeroed((*length + 1u) * 2) : NULL;
    if (copy)
        memcpy(copy, s, *length * 2u);
    if (!copy || wide)
        return (uint64_t)copy;
    uint64_t narrow = w32_narrow(copy);
    w32_free((uint64_t)copy);
    return narrow;
}

/* Calls fn(module, [type,] name, parameter) for each entry until it returns FALSE. */
static BOOL enumerate(const struct image *i, const struct directory *d, uint64_t module, uint64_t type, bool types, uint64_t fn, uint64_t parameter, bool wide)
{
    for (uint32_t k = 0; d && k < (uint32_t)d->names + d->numbers; k++) {
        uint64_t name = name_for_callback(i, &d->entries[k], wide);
        uint64_t go_on = types ? guest_call(FRAME_NONE, (void *)fn, 3, module, name, parameter)
                               : guest_call(FRAME_NONE, (void *)fn, 4, module, type, name, parameter);
        if (name >= 0x10000)
            w32_free(name);
        if (!(ULONG)go_on)
            return FALSE;
    }
    return d ? TRUE : w32_error(ERROR_RESOURCE_TYPE_NOT_FOUND_);
}

BOOL EnumResourceTypesW(uint64_t module, uint64_t fn, uint64_t parameter)
{
    const struct image *i = module_of(module);
    return i ? enumerate(i, directory_at(i, 0), module, 0, true, fn, parameter, true) : FALSE;
}

BOOL EnumResourceTypesA(uint64_t module, uint64_t fn, uint64_t parameter)
{
    const struct image *i = module_of(module);
    return i ? enumerate(i, directory_at(i, 0), module, 0, true, fn, parameter, false) : FALSE;
}

BOOL EnumResourceNamesW(uint64_t module, const WCHAR *type, uint64_t fn, uint64_t parameter)
{
    const struct image *i = module_of(module);
    return i ? enumerate(i, below(i, find(i, directory_at(i, 0), wanted_of(type))), module, (uint64_t)type, false, fn, parameter, true) : FALSE;
}

BOOL EnumResourceNamesA(uint64_t module, const char *type, uint64_t fn, uint64_t parameter)
{
    const struct image *i = module_of(module);
    uint64_t t = (uint64_t)type < 0x10000 ? 0 : w32_widen(type);
    struct wanted w = wanted_of(t ? (const WCHAR *)t : (const WCHAR *)type);
    BOOL r = i ? enumerate(i, below(i, find(i, directory_at(i, 0), w)), module, (uint64_t)type, false, fn, parameter, false) : FALSE;
    w32_free(t);
    return r;
}

BOOL EnumResourceLanguagesW(uint64_t module, const WCHAR *type, const WCHAR *name, uint64_t fn, uint64_t parameter)
{
    const struct image *i = module_of(module);
    const struct directory *d = i ? below(i, find(i, below(i, find(i, directory_at(i, 0), wanted_of(type))), wanted_of(name))) : NULL;
    if (!d)
        return w32_error(ERROR_RESOURCE_NAME_NOT_FOUND_);
    for (uint32_t k = 0; k < (uint32_t)d->names + d->numbers; k++)
        if (!(ULONG)guest_call(FRAME_NONE, (void *)fn, 5, module, (uint64_t)type, (uint64_t)name, (uint64_t)d->entries[k].name, parameter))
            return FALSE;
    return TRUE;
}

/* ---- texts: blocks of sixteen, each a length and so many characters ---- */

static const WCHAR *text_of(uint64_t module, uint32_t id, uint16_t *length)
{
    ULONG error;
    const struct data *d = resource(module, (const WCHAR *)(uint64_t)RT_STRING, (const WCHAR *)(uint64_t)(id / 16 + 1), 0, &error);
    if (!d) {
        w32_error(error);
        return NULL;
    }
    const uint16_t *s = (const uint16_t *)LoadResource(module, d), *end = s + d->bytes / 2;
    for (uint32_t k = 0; k < id % 16 && s < end; k++)
        s += *s + 1;
    if (s >= end || *s > end - s - 1 || !*s) {
        w32_error(ERROR_RESOURCE_NAME_NOT_FOUND_);
        return NULL;
    }
    *length = *s;
    return s + 1;
}

/* size 0: a pointer to the text itself, which has no zero at its end. */
int32_t LoadStringW(uint64_t module, uint32_t id, WCHAR *to, int32_t size)
{
    uint16_t length;
    const WCHAR *s = text_of(module, id & 0xFFFF, &length);
    if (!to)
        return 0;
    if (size == 0) {
        if (s)
            *(const WCHAR **)to = s;
        return s ? length : 0;
    }
    int32_t n = s ? length < size - 1 ? length : size - 1 : 0;
    if (s)
        memcpy(to, s, (size_t)n * 2);
    to[n] = 0;
    return n;
}

int32_t LoadStringA(uint64_t module, uint32_t id, char *to, int32_t size)
{
    uint16_t length;
    const WCHAR *s = text_of(module, id & 0xFFFF, &length);
    if (!to || size <= 0)
        return 0;
    int32_t n = 0;
    for (; s && n < length && n < size - 1; n++) {
        int c = w32_wide_to_ansi(s[n]);
        to[n] = (char)(c < 0 ? '?' : c);
    }
    to[n] = 0;
    return n;
}
