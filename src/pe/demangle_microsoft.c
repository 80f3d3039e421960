/* Microsoft's decorated names. Pieces of text live in one bounded block; every function returns "" and sets `bad` when the
 * name is not one. */
#include "pe/demangle_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 48 << 10, DEEPEST = 48, REMEMBERED = 10 };

struct memory { /* what digits refer back to */
    const char *name[REMEMBERED], *type[REMEMBERED];
    unsigned names, types;
};

struct reader {
    const char *at, *end;
    struct memory seen;
    char block[BLOCK];
    size_t used;
    unsigned depth;
    bool bad, is_cast;
};

/* A type around a name: int (*name)(char). */
struct type {
    const char *before, *after;
};

static const char *join(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *join(struct reader *r, const char *format, ...)
{
    va_list v;
    va_start(v, format);
    char *out = r->block + r->used;
    int n = vsnprintf(out, BLOCK - r->used, format, v);
    va_end(v);
    if (n < 0 || (size_t)n >= BLOCK - r->used) {
        r->bad = true;
        return "";
    }
    r->used += (size_t)n + 1;
    return out;
}

static char peek(const struct reader *r)
{
    return r->at < r->end ? *r->at : 0;
}

static char next(struct reader *r)
{
    if (r->at < r->end)
        return *r->at++;
    r->bad = true;
    return 0;
}

static bool take(struct reader *r, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, text, n) != 0)
        return false;
    r->at += n;
    return true;
}

static const char *fail(struct reader *r)
{
    r->bad = true;
    return "";
}

static const char *qualified(struct reader *r);
static const char *symbol(struct reader *r);
static struct type type(struct reader *r);

static bool enter(struct reader *r)
{
    r->bad |= ++r->depth > DEEPEST;
    return !r->bad;
}

/* --- pieces of names ----------------------------------------------------------------------------------------------- */

static bool number(struct reader *r, uint64_t *v, bool *negative)
{
    *negative = take(r, "?");
    *v = 0;
    char c = next(r);
    if (c >= '0' && c <= '9') {
        *v = (uint64_t)(c - '0') + 1;
        return true;
    }
    for (; c >= 'A' && c <= 'P'; c = next(r))
        *v = *v * 16 + (uint64_t)(c - 'A');
    r->bad |= c != '@';
    return !r->bad;
}

static const char *remember(struct reader *r, const char *name)
{
    for (unsigned k = 0; k < r->seen.names; k++)
        if (strcmp(r->seen.name[k], name) == 0)
            return name;
    if (r->seen.names < REMEMBERED)
        r->seen.name[r->seen.names++] = name;
    return name;
}

static const char *simple(struct reader *r)
{
    const char *end = memchr(r->at, '@', (size_t)(r->end - r->at));
    if (!end || end == r->at)
        return fail(r);
    const char *name = join(r, "%.*s", (int)(end - r->at), r->at);
    r->at = end + 1;
    return remember(r, name);
}

static const char *back_reference(struct reader *r)
{
    unsigned k = (unsigned)(next(r) - '0');
    return k < r->seen.names ? r->seen.name[k] : fail(r);
}

static const char *template_value(struct reader *r)
{
    uint64_t v;
    bool negative;
    if (take(r, "0"))
        return number(r, &v, &negative) ? join(r, "%s%" PRIu64, negative ? "-" : "", v) : "";
    if (take(r, "1") || take(r, "E"))
        return take(r, "?") ? join(r, "&%s", symbol(r)) : fail(r);
    if (take(r, "M")) { /* the type of an auto parameter comes first; only the value is shown */
        type(r);
        return template_value(r);
    }
    return fail(r);
}

static const char *template_argument(struct reader *r)
{
    if (take(r, "$$V") || take(r, "$$Z") || take(r, "$S"))
        return NULL; /* nothing in a pack */
    if (take(r, "$$Y"))
        return qualified(r);
    if (peek(r) == '$' && r->end - r->at > 1 && r->at[1] != '$') {
        r->at++;
        return template_value(r);
    }
    struct type t = type(r);
    return join(r, "%s%s", t.before, t.after);
}

/* Inside a template digits count anew. */
static const char *template_name(struct reader *r)
{
    struct memory outer = r->seen;
    memset(&r->seen, 0, sizeof r->seen);
    if (!enter(r))
        return "";
    const char *out = simple(r);
    bool any = false;
    out = join(r, "%s<", out);
    while (!r->bad && !take(r, "@")) {
        const char *a = template_argument(r);
        if (a && !r->bad) {
            out = join(r, "%s%s%s", out, any ? "," : "", a);
            any = true;
        }
    }
    r->depth--;
    r->seen = outer;
    size_t n = strlen(out);
    return join(r, "%s%s>", out, n && out[n - 1] == '>' ? " " : "");
}

/* `2'::… of a static inside a function: `f'::`2'::x */
static const char *local_scope(struct reader *r)
{
    uint64_t v;
    bool negative;
    if (!number(r, &v, &negative) || !take(r, "?") || !take(r, "?"))
        return fail(r);
    struct memory outer = r->seen;
    const char *inner = symbol(r);
    r->seen.names = outer.names > r->seen.names ? outer.names : r->seen.names;
    return join(r, "`%s'::`%" PRIu64 "'", inner, v);
}

static const char *scope_piece(struct reader *r)
{
    if (peek(r) >= '0' && peek(r) <= '9')
        return back_reference(r);
    if (take(r, "?$"))
        return remember(r, template_name(r));
    if (take(r, "?A")) {
        const char *end = memchr(r->at, '@', (size_t)(r->end - r->at));
        if (!end)
            return fail(r);
        const char *key = join(r, "?A%.*s", (int)(end - r->at), r->at);
        r->at = end + 1;
        remember(r, key);
        return "`anonymous namespace'";
    }
    if (take(r, "?"))
        return local_scope(r);
    return simple(r);
}

/* --- operators ----------------------------------------------------------------------------------------------------- */

static const char *const plain_operators[] = {
    "", "", "new", "delete", "=", ">>", "<<", "!", "==", "!=", "[]", "", "->", "*", "++", "--", "-", "+", "&", "->*", "/", "%", "<", "<=",
    ">", ">=", ",", "()", "~", "^", "|", "&&", "||", "*=", "+=", "-=" };
static const char *const more_operators[] = { /* _0 to _9, _A to _V */
    "operator/=", "operator%=", "operator>>=", "operator<<=", "operator&=", "operator|=", "operator^=", "`vftable'", "`vbtable'", "`vcall'",
    "`typeof'", "`local static guard'", NULL, "`vbase destructor'", "`vector deleting destructor'", "`default constructor closure'",
    "`scalar deleting destructor'", "`vector constructor iterator'", "`vector destructor iterator'", "`vector vbase constructor iterator'",
    "`virtual displacement map'", "`eh vector constructor iterator'", "`eh vector destructor iterator'",
    "`eh vector vbase constructor iterator'", "`copy constructor closure'", NULL, NULL, NULL, "`local vftable'",
    "`local vftable constructor closure'", "operator new[]", "operator delete[]" };

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : -1;
}

static const char *runtime_type(struct reader *r)
{
    uint64_t v;
    bool negative;
    struct type t;
    switch (next(r)) {
    case '0':
        t = type(r);
        return join(r, "%s%s `RTTI Type Descriptor'", t.before, t.after);
    case '1':
        for (int k = 0; k < 4; k++)
            number(r, &v, &negative);
        return "`RTTI Base Class Descriptor'";
    case '2':
        return "`RTTI Base Class Array'";
    case '3':
        return "`RTTI Class Hierarchy Descriptor'";
    case '4':
        return "`RTTI Complete Object Locator'";
    default:
        return fail(r);
    }
}

/* `dynamic initializer for 'x'' */
static const char *dynamic(struct reader *r, const char *what)
{
    const char *of = take(r, "?") ? symbol(r) : qualified(r);
    take(r, "@");
    return join(r, "`dynamic %s for '%s''", what, of);
}

/* Constructors and destructors are named after the scope that follows: marked by one byte. */
static const char *special(struct reader *r)
{
    int k;
    char c = next(r);
    if (c == '0' || c == '1')
        return c == '0' ? "\1" : "\2";
    if (c == 'B') {
        r->is_cast = true;
        return "\3";
    }
    if (c != '_') {
        k = digit_of(c);
        return k >= 0 && plain_operators[k][0] ? join(r, k == 2 || k == 3 ? "operator %s" : "operator%s", plain_operators[k]) : fail(r);
    }
    c = next(r);
    if (c == 'R')
        return runtime_type(r);
    if (c == '_') {
        switch (next(r)) {
        case 'E':
            return dynamic(r, "initializer");
        case 'F':
            return dynamic(r, "atexit destructor");
        case 'J':
            return "`local static thread guard'";
        case 'K':
            return join(r, "operator \"\"%s", simple(r));
        case 'L':
            return "operator co_await";
        case 'M':
            return "operator<=>";
        default:
            return fail(r);
        }
    }
    k = digit_of(c);
    return k >= 0 && k < (int)(sizeof more_operators / sizeof more_operators[0]) && more_operators[k] ? more_operators[k] : fail(r);
}

/* --- qualified names ------------------------------------------------------------------------------------------------- */

/* Of Class::<1>: the last piece of the scope. */
static const char *constructor(struct reader *r, char mark, const char *piece)
{
    return mark == '\1' ? piece : join(r, "~%s", piece);
}

static const char *scopes(struct reader *r, const char *name)
{
    bool first = true;
    if (!enter(r))
        return "";
    const char *out = name;
    while (!r->bad && !take(r, "@")) {
        const char *piece = scope_piece(r);
        if (first && (out[0] == '\1' || out[0] == '\2'))
            out = constructor(r, out[0], piece);
        out = join(r, "%s::%s", piece, out);
        first = false;
    }
    r->bad |= out[0] == '\1' || out[0] == '\2';
    r->depth--;
    return out;
}

/* Of a type: no operators. */
static const char *qualified(struct reader *r)
{
    const char *first = peek(r) >= '0' && peek(r) <= '9' ? back_reference(r) : take(r, "?$") ? remember(r, template_name(r)) : scope_piece(r);
    return scopes(r, first);
}

static const char *function_name(struct reader *r)
{
    if (take(r, "?$")) {
        if (peek(r) == '?') { /* a template of an operator */
            r->at++;
            struct memory outer = r->seen;
            memset(&r->seen, 0, sizeof r->seen);
            const char *out = join(r, "%s<", special(r));
            bool any = false;
            while (!r->bad && !take(r, "@")) {
                const char *a = template_argument(r);
                if (a)
                    out = join(r, "%s%s%s", out, any ? "," : "", a);
                any |= a != NULL;
            }
            r->seen = outer;
            return join(r, "%s>", out);
        }
        return template_name(r);
    }
    if (take(r, "?"))
        return special(r);
    return peek(r) >= '0' && peek(r) <= '9' ? back_reference(r) : simple(r);
}

/* --- types ----------------------------------------------------------------------------------------------------------- */

static const char *cv(char c)
{
    return c == 'B' ? " const" : c == 'C' ? " volatile" : c == 'D' ? " const volatile" : "";
}

static const char *basic(char c)
{
    switch (c) {
    case 'C': return "signed char";
    case 'D': return "char";
    case 'E': return "unsigned char";
    case 'F': return "short";
    case 'G': return "unsigned short";
    case 'H': return "int";
    case 'I': return "unsigned int";
    case 'J': return "long";
    case 'K': return "unsigned long";
    case 'M': return "float";
    case 'N': return "double";
    case 'O': return "long double";
    case 'X': return "void";
    default: return NULL;
    }
}

static const char *basic_two(char c)
{
    switch (c) {
    case 'D': return "__int8";
    case 'E': return "unsigned __int8";
    case 'F': return "__int16";
    case 'G': return "unsigned __int16";
    case 'H': return "__int32";
    case 'I': return "unsigned __int32";
    case 'J': return "__int64";
    case 'K': return "unsigned __int64";
    case 'L': return "__int128";
    case 'M': return "unsigned __int128";
    case 'N': return "bool";
    case 'Q': return "char8_t";
    case 'S': return "char16_t";
    case 'U': return "char32_t";
    case 'W': return "wchar_t";
    default: return NULL;
    }
}

static const char *parameters(struct reader *r)
{
    const char *out = "";
    bool any = false;
    if (take(r, "X"))
        return "void";
    while (!r->bad && !take(r, "@")) {
        if (take(r, "Z"))
            return join(r, "%s%s...", out, any ? "," : "");
        struct type t;
        if (peek(r) >= '0' && peek(r) <= '9') {
            unsigned k = (unsigned)(next(r) - '0');
            t = (struct type){ k < r->seen.types ? r->seen.type[k] : fail(r), "" };
        } else {
            const char *from = r->at;
            t = type(r);
            if (r->at - from > 1 && r->seen.types < REMEMBERED)
                r->seen.type[r->seen.types++] = join(r, "%s%s", t.before, t.after);
        }
        out = join(r, "%s%s%s%s", out, any ? "," : "", t.before, t.after);
        any = true;
    }
    return out;
}

/* Behind the calling convention: return type, parameters, exception specification. */
static struct type function_type(struct reader *r, const char *around)
{
    next(r); /* calling convention */
    struct type back = { "", "" };
    if (!take(r, "@")) {
        if (take(r, "?"))
            next(r);
        back = type(r);
    }
    const char *list = parameters(r);
    if (!take(r, "_E"))
        take(r, "Z");
    return (struct type){ join(r, "%s (%s", back.before, around), join(r, ")(%s)%s", list, back.after) };
}

static struct type pointer(struct reader *r, const char *sign)
{
    bool data_member = false;
    const char *of = "";
    if (take(r, "6"))
        return function_type(r, sign);
    if (take(r, "8")) {
        of = qualified(r);
        take(r, "E");
        next(r); /* cv of this */
        return function_type(r, join(r, "%s::%s", of, sign));
    }
    while (take(r, "E") || take(r, "F") || take(r, "I"))
        ;
    char c = next(r);
    if (c >= 'Q' && c <= 'T') {
        data_member = true;
        of = qualified(r);
        c = (char)(c - 'Q' + 'A');
    }
    r->bad |= c < 'A' || c > 'D';
    if (take(r, "Y")) { /* pointer to array */
        uint64_t n, v;
        bool negative;
        const char *bounds = "";
        number(r, &n, &negative);
        for (uint64_t k = 0; k < n && !r->bad && k < DEEPEST; k++) {
            number(r, &v, &negative);
            bounds = join(r, "%s[%" PRIu64 "]", bounds, v);
        }
        struct type t = type(r);
        return (struct type){ join(r, "%s%s (%s", t.before, cv(c), sign), join(r, ")%s%s", bounds, t.after) };
    }
    struct type t = type(r);
    size_t n = strlen(t.before);
    bool tight = n && t.before[n - 1] == '*';
    return (struct type){ data_member ? join(r, "%s%s %s::%s", t.before, cv(c), of, sign) : join(r, "%s%s%s%s", t.before, cv(c), tight && c == 'A' ? "" : " ", sign),
                          t.after };
}

static struct type type_inside(struct reader *r)
{
    char c = next(r);
    const char *name = basic(c);
    if (name)
        return (struct type){ name, "" };
    switch (c) {
    case '_':
        name = basic_two(next(r));
        return (struct type){ name ? name : fail(r), "" };
    case 'T': case 'U': case 'V':
        return (struct type){ qualified(r), "" };
    case 'W':
        next(r);
        return (struct type){ qualified(r), "" };
    case 'P': return pointer(r, "*");
    case 'Q': return pointer(r, "* const");
    case 'R': return pointer(r, "* volatile");
    case 'S': return pointer(r, "* const volatile");
    case 'A': case 'B': return pointer(r, "&");
    case '?': {
        char q = next(r);
        struct type t = type(r);
        return (struct type){ join(r, "%s%s", t.before, cv(q)), t.after };
    }
    case '$':
        if (take(r, "$Q") || take(r, "$R"))
            return pointer(r, "&&");
        if (take(r, "$C")) {
            char q = next(r);
            struct type t = type(r);
            return (struct type){ join(r, "%s%s", t.before, cv(q)), t.after };
        }
        if (take(r, "$A6")) {
            struct type t = function_type(r, "");
            size_t n = strlen(t.before);
            return (struct type){ join(r, "%.*s", (int)(n ? n - 1 : 0), t.before), t.after + (t.after[0] == ')') };
        }
        if (take(r, "$T"))
            return (struct type){ "std::nullptr_t", "" };
        if (take(r, "$BY")) {
            uint64_t n, v;
            bool negative;
            const char *bounds = "";
            number(r, &n, &negative);
            for (uint64_t k = 0; k < n && !r->bad && k < DEEPEST; k++) {
                number(r, &v, &negative);
                bounds = join(r, "%s[%" PRIu64 "]", bounds, v);
            }
            struct type t = type(r);
            return (struct type){ t.before, join(r, "%s%s", bounds, t.after) };
        }
        break;
    }
    return (struct type){ fail(r), "" };
}

static struct type type(struct reader *r)
{
    struct type t = { "", "" };
    if (enter(r))
        t = type_inside(r);
    r->depth--;
    return t;
}

/* --- symbols --------------------------------------------------------------------------------------------------------- */

/* What follows the name. Only the type of a conversion is shown; inside another symbol all of it has to be read. */
static const char *encoding(struct reader *r, const char *name)
{
    char c = next(r);
    struct type t;
    if (c >= '0' && c <= '4') { /* a variable: type, cv */
        type(r);
        while (take(r, "E") || take(r, "F") || take(r, "I"))
            ;
        next(r);
        return name;
    }
    if (c == '6' || c == '7') { /* a table of virtual functions */
        next(r);
        while (!r->bad && !take(r, "@"))
            qualified(r);
        return name;
    }
    if (c == '8' || c == '9' || c == '5')
        return name;
    if (c < 'A' || c > 'Z')
        return fail(r);
    unsigned kind = (unsigned)(c - 'A') % 8;
    if (kind >= 6 && c <= 'X') { /* adjusting thunks */
        uint64_t v;
        bool negative;
        number(r, &v, &negative);
    }
    bool has_this = c < 'Y' && kind != 2 && kind != 3;
    if (has_this) {
        while (take(r, "E") || take(r, "F") || take(r, "I") || take(r, "G") || take(r, "H"))
            ;
        next(r);
    }
    next(r); /* calling convention */
    if (!take(r, "@")) {
        if (take(r, "?"))
            next(r);
        t = type(r);
        size_t n = strlen(name);
        if (n && name[n - 1] == '\3')
            name = join(r, "%.*soperator %s%s", (int)n - 1, name, t.before, t.after);
    }
    parameters(r);
    if (!take(r, "_E"))
        take(r, "Z");
    return name;
}

/* Behind the first question mark. */
static const char *symbol(struct reader *r)
{
    if (!enter(r))
        return "";
    const char *name = scopes(r, function_name(r));
    name = r->bad ? "" : encoding(r, name);
    r->depth--;
    return name;
}

static bool demangle(struct reader *r, size_t length, char *out, size_t n)
{
    if (length < 3 || take(r, "?@") || take(r, "?_C")) /* hashed names and strings say nothing */
        return false;
    const char *text = scopes(r, function_name(r));
    if (r->bad)
        return false;
    if (r->is_cast)
        text = encoding(r, text); /* what is wrong behind the name of anything else does not matter */
    size_t used = strlen(text);
    if (r->bad || !used || used >= n || strchr(text, '\3') || strchr(text, '\1') || strchr(text, '\2'))
        return false;
    memcpy(out, text, used + 1);
    return true;
}

/* The reader is too large for a stack: symbols are also loaded on those of fibers. */
bool pe_demangle_microsoft(const char *name, size_t length, char *out, size_t n)
{
    struct reader *r = malloc(sizeof *r);
    if (!r)
        return false;
    memset(r, 0, offsetof(struct reader, block));
    r->at = name + 1;
    r->end = name + length;
    r->used = r->depth = 0;
    r->bad = r->is_cast = false;
    bool done = demangle(r, length, out, n);
    free(r);
    return done;
}
