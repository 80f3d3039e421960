/* INF files as text; see inf.h. Lines are split first, with their raw fields; strings are replaced when all sections are known. */
#include "base/utf.h"
#include "session/inf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_SECTIONS = 4096, MAX_FIELDS = 1024, MAX_EXPANDED = 4096, BLOCK_BYTES = 64 << 10 };

/* ---- memory: blocks in a list, freed together ---- */

struct block {
    struct block *next;
    size_t used, size;
    char bytes[];
};

static void *get(struct inf *inf, size_t bytes)
{
    struct block *b = inf->memory;
    bytes = (bytes + 7) & ~(size_t)7;
    if (!b || b->size - b->used < bytes) {
        size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        b = calloc(1, sizeof *b + size);
        if (!b)
            abort();
        b->size = size;
        b->next = inf->memory;
        inf->memory = b;
    }
    void *p = b->bytes + b->used;
    b->used += bytes;
    return p;
}

static char *keep(struct inf *inf, const char *text, size_t n)
{
    char *s = get(inf, n + 1);
    memcpy(s, text, n);
    s[n] = 0;
    return s;
}

void inf_free(struct inf *inf)
{
    for (struct block *b = inf->memory, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    memset(inf, 0, sizeof *inf);
}

/* ---- characters ---- */

static size_t from_utf16(const uint8_t *p, size_t size, bool big, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < size; i += 2) {
        uint32_t c = big ? (uint32_t)p[i] << 8 | p[i + 1] : (uint32_t)p[i + 1] << 8 | p[i];
        if (c >= 0xD800 && c < 0xDC00 && i + 3 < size) {
            uint32_t low = big ? (uint32_t)p[i + 2] << 8 | p[i + 3] : (uint32_t)p[i + 3] << 8 | p[i + 2];
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                i += 2;
            }
        }
        n += base_utf8_put(c, out + n);
    }
    return n;
}

static bool is_utf8(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned more = p[i] < 0x80 ? 0 : p[i] >= 0xC2 && p[i] < 0xE0 ? 1 : p[i] >= 0xE0 && p[i] < 0xF0 ? 2 : p[i] >= 0xF0 && p[i] < 0xF5 ? 3 : 9;
        if (more == 9 || more >= n - i)
            return false;
        while (more--)
            if ((p[++i] & 0xC0) != 0x80)
                return false;
    }
    return true;
}

static size_t from_1252(const uint8_t *p, size_t size, char *out)
{
    static const uint16_t high[32] = { 0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160,
                                       0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                       0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E, 0x178 };
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += base_utf8_put(p[i] >= 0x80 && p[i] < 0xA0 ? high[p[i] - 0x80] : p[i], out + n);
    return n;
}

/* The whole file as UTF-8; *bytes without the final zero. */
static char *as_utf8(const uint8_t *p, size_t size, size_t *bytes)
{
    char *out = malloc(size * 3 + 4);
    if (!out)
        abort();
    if (size >= 2 && ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF)))
        *bytes = from_utf16(p + 2, size - 2, p[0] == 0xFE, out);
    else if (size >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        memcpy(out, p + 3, *bytes = size - 3);
    else if (is_utf8(p, size))
        memcpy(out, p, *bytes = size);
    else
        *bytes = from_1252(p, size, out);
    out[*bytes] = 0;
    return out;
}

/* What stampinf puts in place of its variables, when the file is the source of an INF (.inx). $ARCH$ and the framework's versions are those
 * of this system; others stay. The text is as long as before or shorter. */
static void stamp(char *text, size_t *bytes)
{
    static const char *const variables[][2] = {{"$ARCH$", "amd64"},
                                               {"$KMDFVERSION$", "1.33"},
                                               {"$KMDFCOINSTALLERVERSION$", "01033"},
                                               {"$UMDFVERSION$", "2.33.0"},
                                               {"$UMDFCOINSTALLERVERSION$", "02033"}};
    size_t to = 0;
    for (size_t i = 0; i < *bytes;) {
        size_t k = 0, n = sizeof variables / sizeof *variables;
        while (k < n && (text[i] != '$' || strncasecmp(text + i, variables[k][0], strlen(variables[k][0]))))
            k++;
        if (k < n) {
            memcpy(text + to, variables[k][1], strlen(variables[k][1]));
            to += strlen(variables[k][1]);
            i += strlen(variables[k][0]);
        } else
            text[to++] = text[i++];
    }
    text[*bytes = to] = 0;
}

/* ---- lines ---- */

struct reader {
    struct inf *inf;
    const char *path;
    char *err;
    size_t errlen;
    const char *at, *end;
    uint32_t line; /* of at */
    struct section *sections, *current, **last;
};

/* While reading: entries in a list. */
struct item {
    struct item *next;
    struct inf_entry e;
};

struct section {
    struct section *next;
    const char *name;
    struct item *items, **last;
    uint32_t count;
};

static bool bad(struct reader *r, uint32_t line, const char *what)
{
    snprintf(r->err, r->errlen, "%s:%u: %s", r->path, line, what);
    return false;
}

static struct section *section_for(struct reader *r, const char *name, size_t n)
{
    for (struct section *s = r->sections; s; s = s->next)
        if (strlen(s->name) == n && strncasecmp(s->name, name, n) == 0)
            return s;
    if (r->inf->section_count++ == MAX_SECTIONS)
        return NULL;
    struct section *s = get(r->inf, sizeof *s);
    s->name = keep(r->inf, name, n);
    s->last = &s->items;
    *r->last = s;
    r->last = &s->next;
    return s;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == 0x1A || c == 0;
}

/* Is p, a backslash, the last of its line? */
static bool continues(const struct reader *r, const char *p)
{
    for (p++; p < r->end && is_blank(*p); p++)
        ;
    return p >= r->end || *p == '\n' || *p == ';';
}

/* One value up to a separator at the top level: "," or, for the first, "=". Writes it without its quotes and outer blanks.
 * *stop: the separator, '\n' at the end of the entry. false: a quote was not closed. */
static bool take_value(struct reader *r, char *out, size_t *length, bool *quoted, bool first, char *stop)
{
    size_t n = 0, solid = 0; /* solid: up to here nothing is cut off */
    bool begun = false;
    *quoted = false;
    *stop = '\n';
    while (r->at < r->end) {
        char c = *r->at++;
        if (c == '\n') {
            r->line++;
            break;
        }
        if (c == ';') {
            while (r->at < r->end && *r->at != '\n')
                r->at++;
            continue;
        }
        if (c == '\\' && continues(r, r->at - 1)) {
            while (r->at < r->end && *r->at != '\n')
                r->at++;
            if (r->at < r->end)
                r->at++;
            r->line++;
            continue;
        }
        if (c == ',' || (first && c == '=')) {
            *stop = c;
            break;
        }
        if (c == '"') {
            *quoted = begun = true;
            for (;;) {
                /* DOC: a quote left open ends with its line. */
                if (r->at >= r->end || *r->at == '\n')
                    break;
                c = *r->at++;
                if (c == '"') {
                    if (r->at < r->end && *r->at == '"')
                        r->at++;
                    else
                        break;
                }
                if (c != '\r')
                    out[n++] = c;
            }
            solid = n;
            continue;
        }
        if (is_blank(c)) {
            if (begun)
                out[n++] = ' ';
            continue;
        }
        begun = true;
        out[n++] = c;
        solid = n;
    }
    *length = solid;
    return true;
}

static bool read_entry(struct reader *r)
{
    uint32_t line = r->line;
    size_t room = (size_t)(r->end - r->at) + 1;
    char *value = malloc(room);
    if (!value)
        abort();
    struct item *item = NULL;
    const char *fields[MAX_FIELDS];
    uint32_t n = 0;
    const char *key = NULL;
    bool ok = true, first = true, any = false;
    char stop = ',';
    while (stop == ',') {
        size_t length;
        bool quoted;
        take_value(r, value, &length, &quoted, first, &stop);
        any |= length || quoted || stop == ',';
        if (stop == '=') {
            key = keep(r->inf, value, length);
            stop = ',';
            first = false;
            any = true;
            continue;
        }
        first = false;
        if (n == MAX_FIELDS) {
            ok = bad(r, line, "more fields than an INF line can have");
            break;
        }
        fields[n++] = keep(r->inf, value, length);
    }
    free(value);
    if (!ok || !any)
        return ok;
    if (!r->current)
        return bad(r, line, "an entry before the first section");
    item = get(r->inf, sizeof *item);
    item->e.key = key;
    item->e.line = line;
    item->e.field_count = n == 1 && !fields[0][0] && key ? 0 : n;
    item->e.fields = get(r->inf, n * sizeof *fields);
    memcpy(item->e.fields, fields, n * sizeof *fields);
    *r->current->last = item;
    r->current->last = &item->next;
    r->current->count++;
    return true;
}

static bool read_section_name(struct reader *r)
{
    uint32_t line = r->line;
    const char *from = ++r->at, *close = NULL;
    bool in_quotes = false;
    for (; r->at < r->end && *r->at != '\n'; r->at++) {
        if (*r->at == '"')
            in_quotes = !in_quotes;
        if (*r->at == ']' && !in_quotes && !close)
            close = r->at;
    }
    if (!close)
        return bad(r, line, "a section name without ]");
    while (from < close && is_blank(*from))
        from++;
    while (close > from && is_blank(close[-1]))
        close--;
    r->current = section_for(r, from, (size_t)(close - from));
    return r->current || bad(r, line, "more sections than an INF file can have");
}

static bool read_lines(struct reader *r)
{
    while (r->at < r->end) {
        char c = *r->at;
        if (c == '\n') {
            r->line++;
            r->at++;
        } else if (is_blank(c)) {
            r->at++;
        } else if (c == ';') {
            while (r->at < r->end && *r->at != '\n')
                r->at++;
        } else if (c == '[') {
            if (!read_section_name(r))
                return false;
        } else if (!read_entry(r)) {
            return false;
        }
    }
    return true;
}

/* ---- strings ---- */

const struct inf_section *inf_section(const struct inf *inf, const char *name)
{
    for (uint32_t i = 0; i < inf->section_count; i++)
        if (strcasecmp(inf->sections[i].name, name) == 0)
            return &inf->sections[i];
    return NULL;
}

const struct inf_entry *inf_find(const struct inf_section *s, const char *key)
{
    for (uint32_t i = 0; s && i < s->entry_count; i++)
        if (s->entries[i].key && strcasecmp(s->entries[i].key, key) == 0)
            return &s->entries[i];
    return NULL;
}

const char *inf_field(const struct inf_entry *e, uint32_t i)
{
    return e && i < e->field_count ? e->fields[i] : "";
}

/* DOC: the section for the language is preferred. The lab's Windows is English. */
static const char *string_for(const struct inf *inf, const char *name, size_t n)
{
    static const char *const sections[] = { "Strings.0409", "Strings.0009", "Strings" };
    for (size_t k = 0; k < sizeof sections / sizeof sections[0]; k++) {
        const struct inf_section *s = inf_section(inf, sections[k]);
        for (uint32_t i = 0; s && i < s->entry_count; i++) {
            const char *key = s->entries[i].key;
            if (key && strlen(key) == n && strncasecmp(key, name, n) == 0)
                return inf_field(&s->entries[i], 0);
        }
    }
    return NULL;
}

static const char *expand(struct inf *inf, const char *text)
{
    if (!strchr(text, '%'))
        return text;
    char out[MAX_EXPANDED];
    size_t n = 0;
    for (const char *p = text; *p && n + 1 < sizeof out; p++) {
        const char *close = *p == '%' ? strchr(p + 1, '%') : NULL;
        if (!close) {
            out[n++] = *p;
            continue;
        }
        if (close == p + 1) {
            out[n++] = '%';
            p = close;
            continue;
        }
        const char *s = string_for(inf, p + 1, (size_t)(close - p - 1));
        if (!s) {
            out[n++] = *p; /* a directory's number, or nothing known: stays as it is */
            continue;
        }
        size_t length = strlen(s);
        if (length > sizeof out - 1 - n)
            length = sizeof out - 1 - n;
        memcpy(out + n, s, length);
        n += length;
        p = close;
    }
    return keep(inf, out, n);
}

static void settle(struct reader *r)
{
    struct inf *inf = r->inf;
    uint32_t n = 0;
    inf->sections = get(inf, (inf->section_count + 1) * sizeof *inf->sections);
    for (struct section *s = r->sections; s; s = s->next) {
        struct inf_section *to = &inf->sections[n++];
        to->name = s->name;
        to->entries = get(inf, (s->count + 1) * sizeof *to->entries);
        for (struct item *i = s->items; i; i = i->next)
            to->entries[to->entry_count++] = i->e;
    }
    inf->section_count = n;
    for (uint32_t k = 0; k < n; k++) {
        struct inf_section *s = &inf->sections[k];
        if (strncasecmp(s->name, "Strings", 7) == 0)
            continue;
        for (uint32_t i = 0; i < s->entry_count; i++) {
            struct inf_entry *e = &s->entries[i];
            if (e->key)
                e->key = expand(inf, e->key);
            for (uint32_t f = 0; f < e->field_count; f++)
                e->fields[f] = expand(inf, e->fields[f]);
        }
    }
}

bool inf_parse(struct inf *inf, const char *path, const void *bytes, size_t size, char *err, size_t errlen)
{
    memset(inf, 0, sizeof *inf);
    struct reader r = { .inf = inf, .path = path, .err = err, .errlen = errlen, .line = 1 };
    r.last = &r.sections;
    if (size > INF_MAX_BYTES) {
        snprintf(err, errlen, "%s: is too large for an INF file", path);
        return false;
    }
    size_t n;
    char *text = as_utf8(bytes, size, &n);
    stamp(text, &n);
    r.at = text;
    r.end = text + n;
    bool ok = read_lines(&r);
    free(text);
    settle(&r);
    return ok;
}
