/* The scheme is known by the first bytes; Itanium names are read by the C++ run-time and cut down to the name. */
#include "pe/demangle.h"
#include "pe/demangle_private.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 4096 };

/* DOC: the Itanium C++ ABI, 3.4. Exported by the C++ run-time with C linkage. */
char *__cxa_demangle(const char *mangled, char *buffer, size_t *length, int *status);

/* --- cutting `ret Class<a>::name(args) const` down to `Class<a>::name` ----------------------------------------------- */

/* Brackets belong to the name after the word operator: operator(), operator<, operator->. */
static size_t skip_operator(const char *s, size_t i)
{
    static const char *const signs[] = { "<<=", ">>=", "->*", "<=>", "()", "[]", "<<", ">>", "<=", ">=", "->", "<", ">" };
    if (strncmp(s + i, "operator", 8) != 0 || (i && (s[i - 1] != ':' && s[i - 1] != ' ')))
        return 0;
    for (size_t k = 0; k < sizeof signs / sizeof signs[0]; k++)
        if (strncmp(s + i + 8, signs[k], strlen(signs[k])) == 0)
            return 8 + strlen(signs[k]);
    return s[i + 8] == ' ' ? 9 : 0; /* operator new, operator int: the blank is part of it */
}

static bool name_only(const char *full, char *out, size_t n)
{
    static const char anonymous[] = "(anonymous namespace)";
    size_t begin = 0, end = strlen(full), depth = 0;
    for (size_t i = 0; i < end;) {
        size_t skip = depth ? 0 : skip_operator(full, i);
        if (strncmp(full + i, anonymous, sizeof anonymous - 1) == 0)
            skip = sizeof anonymous - 1;
        if (skip) {
            i += skip;
            continue;
        }
        char c = full[i];
        if (depth == 0 && c == '(') {
            size_t close = i, inner = 0; /* a function inside a function: f()::local */
            for (; full[close]; close++) {
                inner += full[close] == '(';
                inner -= full[close] == ')';
                if (inner == 0)
                    break;
            }
            if (strncmp(full + close, ")::", 3) != 0 && strncmp(full + close, ") const::", 9) != 0) {
                end = i;
                break;
            }
            i = close + 1;
            continue;
        }
        if (depth == 0 && c == ' ' && strncmp(full + i, " const::", 8) != 0)
            begin = i + 1; /* what came before was the return type, or `vtable for` */
        depth += c == '<' || c == '(';
        if (depth && (c == '>' || c == ')'))
            depth--;
        i++;
    }
    if (begin >= end || end - begin >= n)
        return false;
    memcpy(out, full + begin, end - begin);
    out[end - begin] = 0;
    return true;
}

static bool is_special(const char *full)
{
    static const char *const kinds[] = { "vtable for ", "VTT for ", "typeinfo for ", "typeinfo name for ", "guard variable for ",
                                         "construction vtable for ", "non-virtual thunk to ", "virtual thunk to ", "reference temporary " };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (strncmp(full, kinds[k], strlen(kinds[k])) == 0)
            return true;
    return false;
}

bool pe_demangle_itanium(const char *name, size_t length, char *out, size_t n)
{
    char text[LONGEST + 1];
    int status;
    memcpy(text, name, length);
    text[length] = 0;
    char *full = __cxa_demangle(text, NULL, NULL, &status);
    bool ok = full && status == 0;
    if (ok && is_special(full)) {
        ok = strlen(full) < n;
        if (ok)
            strcpy(out, full);
    } else if (ok) {
        ok = name_only(full, out, n);
    }
    free(full);
    return ok;
}

bool pe_demangle(const char *name, size_t length, char *out, size_t n)
{
    if (length < 3 || length > LONGEST || memchr(name, 0, length))
        return false;
    if (name[0] == '?')
        return pe_demangle_microsoft(name, length, out, n);
    return name[0] == '_' && name[1] == 'Z' && pe_demangle_itanium(name, length, out, n);
}
