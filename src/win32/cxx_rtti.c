/* Types at run time: typeid, dynamic_cast, and the names of types.
 *
 * DOC: clang, lib/CodeGen/MicrosoftCXXABI.cpp (complete object locators, class hierarchies). */
#include <stdio.h>

#include "win32/cxx.h"

/* In front of a vftable lies the address of one of these. References are relative to the image. */
struct locator {
    uint32_t signature; /* 1: self is there */
    uint32_t offset; /* of this vftable's pointer in the complete object */
    uint32_t constructor_offset; /* not 0: what is at this distance before the pointer counts too, while constructors run */
    int32_t type, hierarchy, self;
};
struct hierarchy {
    uint32_t signature, attributes, count;
    int32_t bases;
};
struct base_class {
    int32_t type;
    uint32_t contained; /* bases of this base: they follow it */
    struct cxx_pmd where;
    uint32_t attributes;
    int32_t hierarchy;
};
enum { BASE_NOT_VISIBLE = 1, BASE_AMBIGUOUS = 2, BASE_PRIVATE_OR_PROTECTED = 8 };

struct object {
    uint64_t complete, image;
    const struct locator *locator;
    const struct hierarchy *hierarchy;
};

/* vfptr: where an object has its vftable's address. */
static void object_read(uint64_t vfptr, struct object *o)
{
    uint64_t vftable = *(const uint64_t *)vfptr;
    o->locator = *(const struct locator **)(vftable - 8);
    o->image = (uint64_t)o->locator - (uint32_t)o->locator->self;
    o->complete = vfptr - o->locator->offset;
    if (o->locator->constructor_offset)
        o->complete -= (int64_t)*(const int32_t *)(vfptr - o->locator->constructor_offset);
    o->hierarchy = (const struct hierarchy *)(o->image + (uint32_t)o->locator->hierarchy);
}

static bool is_type(const struct object *o, int32_t type, const struct cxx_type *wanted)
{
    const struct cxx_type *t = (const struct cxx_type *)(o->image + (uint32_t)type);
    return t == wanted || strcmp(t->name, wanted->name) == 0;
}

static const struct base_class *base_at(const struct object *o, uint32_t i)
{
    const int32_t *all = (const int32_t *)(o->image + (uint32_t)o->hierarchy->bases);
    return (const struct base_class *)(o->image + (uint32_t)all[i]);
}

static uint64_t base_address(const struct object *o, uint32_t i)
{
    return cxx_adjust(o->complete, &base_at(o, i)->where);
}

/* Base i seen from the complete object is public, so is what lies in it below `from`. */
static bool is_public(const struct object *o, uint32_t i)
{
    return !(base_at(o, i)->attributes & (BASE_NOT_VISIBLE | BASE_PRIVATE_OR_PROTECTED));
}

static uint32_t find_source(const struct object *o, const struct cxx_type *source, uint64_t at, uint32_t low, uint32_t high)
{
    for (uint32_t i = low; i < high; i++)
        if (is_type(o, base_at(o, i)->type, source) && base_address(o, i) == at)
            return i;
    return UINT32_MAX;
}

/* 0: no such cast. DOC: C++ standard, [expr.dynamic.cast]: a target that the source is a public base of, else a public base of the
 * complete object if the source is one too; either must be the only one. */
static uint64_t cast(const struct object *o, uint64_t from, const struct cxx_type *source, const struct cxx_type *target)
{
    uint64_t down = 0, across = 0;
    bool two_down = false, two_across = false;
    for (uint32_t i = 0; i < o->hierarchy->count; i++) {
        const struct base_class *b = base_at(o, i);
        if (!is_type(o, b->type, target))
            continue;
        uint64_t at = base_address(o, i);
        uint32_t s = find_source(o, source, from, i, i + 1 + b->contained);
        if (s != UINT32_MAX && !(base_at(o, s)->attributes & BASE_NOT_VISIBLE)) {
            two_down = two_down || (down && down != at);
            down = at;
        }
        if (is_public(o, i)) {
            two_across = two_across || (across && across != at);
            across = at;
        }
    }
    if (down)
        return two_down ? 0 : down;
    uint32_t s = find_source(o, source, from, 0, o->hierarchy->count);
    return s != UINT32_MAX && is_public(o, s) && !two_across ? across : 0;
}

/* vfptr: the source where it has a vftable, which lies `offset` behind its beginning (in a virtual base). */
uint64_t crt___RTDynamicCast(uint64_t vfptr, int32_t offset, const struct cxx_type *source, const struct cxx_type *target, int32_t is_reference)
{
    if (!vfptr)
        return 0;
    struct object o;
    object_read(vfptr, &o);
    uint64_t to = cast(&o, vfptr - (int64_t)offset, source, target);
    if (!to && is_reference)
        cxx_throw_standard("bad_cast", "Bad dynamic_cast!");
    return to;
}

const struct cxx_type *crt___RTtypeid(uint64_t object)
{
    if (!object)
        cxx_throw_standard("bad_typeid", "Attempted a typeid of nullptr pointer!");
    struct object o;
    object_read(object, &o);
    return (const struct cxx_type *)(o.image + (uint32_t)o.locator->type);
}

uint64_t crt___RTCastToVoid(uint64_t object)
{
    if (!object)
        return 0;
    struct object o;
    object_read(object, &o);
    return o.complete;
}

/* ---- std::type_info: what follows its vftable's address ---- */

struct type_data {
    const char *undecorated;
    char decorated[];
};

int32_t crt___std_type_info_compare(const struct type_data *a, const struct type_data *b)
{
    return a == b ? 0 : strcmp(a->decorated + 1, b->decorated + 1);
}

/* GUESS: FNV-1a folded once, as MSVC's std::hash has it. Programs can only see that equal types have equal numbers. */
uint64_t crt___std_type_info_hash(const struct type_data *a)
{
    uint64_t h = 14695981039346656037u;
    for (const char *s = a->decorated + 1; *s; s++)
        h = (h ^ (uint8_t)*s) * 1099511628211u;
    return h ^ h >> 32;
}

/* Decorated scopes come inside out: "foo@bar@@". False: not such a name. */
static bool put_scopes(const char *s, char *to, size_t room)
{
    const char *parts[16];
    size_t lengths[16], n = 0, used = 0;
    while (*s && *s != '@') {
        const char *end = strchr(s, '@');
        if (!end || *s == '?' || n == 16)
            return false;
        parts[n] = s;
        lengths[n++] = (size_t)(end - s);
        s = end + 1;
    }
    if (strcmp(s, "@") != 0 || n == 0)
        return false;
    for (size_t i = n; i-- > 0;) {
        int k = snprintf(to + used, room - used, "%.*s%s", (int)lengths[i], parts[i], i ? "::" : "");
        if (k < 0 || (size_t)k >= room - used)
            return false;
        used += (size_t)k;
    }
    return true;
}

static bool put_basic(const char *s, char *to, size_t room)
{
    static const char *const one[26] = { ['C' - 'A'] = "signed char", ['D' - 'A'] = "char", ['E' - 'A'] = "unsigned char", ['F' - 'A'] = "short",
        ['G' - 'A'] = "unsigned short", ['H' - 'A'] = "int", ['I' - 'A'] = "unsigned int", ['J' - 'A'] = "long", ['K' - 'A'] = "unsigned long",
        ['M' - 'A'] = "float", ['N' - 'A'] = "double", ['O' - 'A'] = "long double", ['X' - 'A'] = "void" };
    static const char *const two[26] = { ['J' - 'A'] = "__int64", ['K' - 'A'] = "unsigned __int64", ['N' - 'A'] = "bool", ['W' - 'A'] = "wchar_t",
        ['S' - 'A'] = "char16_t", ['U' - 'A'] = "char32_t", ['Q' - 'A'] = "char8_t" };
    const char *name = NULL;
    if (s[0] >= 'A' && s[0] <= 'Z' && !s[1])
        name = one[s[0] - 'A'];
    else if (s[0] == '_' && s[1] >= 'A' && s[1] <= 'Z' && !s[2])
        name = two[s[1] - 'A'];
    return name && (size_t)snprintf(to, room, "%s", name) < room;
}

/* ".?AVfoo@bar@@" to "class bar::foo"; names with templates or functions in them stay as they are. */
static bool undecorate(const char *s, char *to, size_t room)
{
    if (*s++ != '.')
        return false;
    if (strncmp(s, "PEA", 3) == 0 || strncmp(s, "PEB", 3) == 0) {
        char inner[512] = ".";
        char out[512];
        bool is_const = s[2] == 'B';
        snprintf(inner + 1, sizeof inner - 1, "%s%s", strchr("VUTW", s[3]) ? "?A" : "", s + 3);
        return undecorate(inner, out, sizeof out) && (size_t)snprintf(to, room, "%s%s * __ptr64", out, is_const ? " const" : "") < room;
    }
    if (s[0] != '?')
        return put_basic(s, to, room);
    s += 2;
    const char *kind = *s == 'V' ? "class " : *s == 'U' ? "struct " : *s == 'T' ? "union " : s[0] == 'W' && s[1] == '4' ? "enum " : NULL;
    if (!kind)
        return false;
    size_t n = strlen(kind);
    memcpy(to, kind, n);
    return put_scopes(s + (*s == 'W' ? 2 : 1), to + n, room - n);
}

/* The name is made once and lies on the process's heap. `list`: where the real one links it for its end. */
const char *crt___std_type_info_name(struct type_data *a, uint64_t list)
{
    char text[512];
    if (a->undecorated)
        return a->undecorated;
    if (!undecorate(a->decorated, text, sizeof text))
        snprintf(text, sizeof text, "%s", a->decorated + 1);
    uint64_t copy = w32_alloc(strlen(text) + 1);
    if (!copy)
        return NULL;
    strcpy((char *)copy, text);
    a->undecorated = (const char *)copy;
    return a->undecorated;
}

void crt___std_type_info_destroy_list(uint64_t list)
{
}
