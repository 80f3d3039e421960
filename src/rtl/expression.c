/* File names against wild-card expressions.
 *
 * DOC: FsRtlIsNameInExpression. '*' any characters; '?' one; '>' (DOS_QM) one, but none at a period or the end;
 * '<' (DOS_STAR) any characters up to the final period, which it may also pass; '"' (DOS_DOT) a period, or nothing at the
 * end. With ignore_case the expression must be upper case already. */
#include "nt/status.h"
#include "rtl/nls.h"
#include "rtl/pool_hooks.h"
#include "rtl/string.h"

enum { DOS_STAR = '<', DOS_QM = '>', DOS_DOT = '"' };

struct match {
    const WCHAR *expression;
    size_t expression_count;
    const WCHAR *name;
    size_t name_count;
    size_t last_dot; /* name_count if there is none */
    int ignore_case;
    const WCHAR *upcase_table;
};

static WCHAR fold(const struct match *m, WCHAR c)
{
    if (!m->ignore_case)
        return c;
    return m->upcase_table ? m->upcase_table[c] : rtl_upcase(c);
}

static int is_wild(WCHAR c)
{
    return c == '*' || c == '?' || c == DOS_STAR || c == DOS_QM || c == DOS_DOT;
}

/* A set of positions in the expression, as bits. */
enum { SET_WORDS = 0x8000 / 64 + 1 };
typedef struct position_set {
    uint64_t word[SET_WORDS];
} position_set;

static void add(position_set *s, size_t i)
{
    s->word[i / 64] |= 1ull << (i % 64);
}

static int has(const position_set *s, size_t i)
{
    return s->word[i / 64] >> (i % 64) & 1;
}

/* Adds the positions that can be reached from those in s without reading a character; at is the next character's place. */
static void close_set(const struct match *m, position_set *s, size_t at)
{
    int at_end = at == m->name_count;
    for (size_t i = 0; i < m->expression_count; i++) {
        WCHAR e = m->expression[i];
        if (!has(s, i))
            continue;
        if (e == '*' || e == DOS_STAR || (e == DOS_QM && (at_end || m->name[at] == '.')) || (e == DOS_DOT && at_end))
            add(s, i + 1);
    }
}

/* The positions after reading the character at `at`. */
static void step(const struct match *m, const position_set *from, position_set *to, size_t at)
{
    WCHAR c = fold(m, m->name[at]);
    for (size_t i = 0; i < m->expression_count; i++) {
        WCHAR e = m->expression[i];
        if (!has(from, i))
            continue;
        if (e == '*' || (e == DOS_STAR && at != m->last_dot))
            add(to, i);
        else if (e == DOS_STAR) /* the final period: consumed, and more may follow only by the rest of the expression */
            add(to, i + 1);
        else if (e == '?' || (e == DOS_QM && c != '.') || (e == DOS_DOT && c == '.') || (!is_wild(e) && e == c))
            add(to, i + 1);
    }
}

static int matches(const struct match *m)
{
    position_set a = {{0}};
    add(&a, 0);
    for (size_t at = 0; at < m->name_count; at++) {
        position_set b = {{0}};
        close_set(m, &a, at);
        step(m, &a, &b, at);
        a = b;
    }
    close_set(m, &a, m->name_count);
    return has(&a, m->expression_count);
}

BOOLEAN FsRtlIsNameInExpression(const UNICODE_STRING *expression, const UNICODE_STRING *name, ULONG ignore_case,
                                const WCHAR *upcase_table)
{
    struct match m = {.expression = expression->Buffer,
                      .expression_count = expression->Length / sizeof(WCHAR),
                      .name = name->Buffer,
                      .name_count = name->Length / sizeof(WCHAR),
                      .ignore_case = (UCHAR)ignore_case,
                      .upcase_table = upcase_table};
    if (!m.name_count || !m.expression_count)
        return m.name_count == m.expression_count;
    m.last_dot = m.name_count;
    for (size_t i = 0; i < m.name_count; i++)
        if (m.name[i] == '.')
            m.last_dot = i;
    return (BOOLEAN)matches(&m);
}

BOOLEAN RtlIsNameInExpression(const UNICODE_STRING *expression, const UNICODE_STRING *name, ULONG ignore_case,
                              const WCHAR *upcase_table)
{
    return FsRtlIsNameInExpression(expression, name, ignore_case, upcase_table);
}

BOOLEAN FsRtlDoesNameContainWildCards(const UNICODE_STRING *name)
{
    for (USHORT i = 0; i < name->Length / sizeof(WCHAR); i++)
        if (is_wild(name->Buffer[i]))
            return TRUE;
    return FALSE;
}

BOOLEAN FsRtlAreNamesEqual(const UNICODE_STRING *a, const UNICODE_STRING *b, ULONG ignore_case, const WCHAR *upcase_table)
{
    if (a->Length != b->Length)
        return FALSE;
    if (!(UCHAR)ignore_case || !upcase_table)
        return RtlEqualUnicodeString(a, b, ignore_case);
    for (USHORT i = 0; i < a->Length / sizeof(WCHAR); i++)
        if (upcase_table[a->Buffer[i]] != upcase_table[b->Buffer[i]])
            return FALSE;
    return TRUE;
}
