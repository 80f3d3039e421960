/* The header that Microsoft's message compiler (mc.exe -km, -um) would make of an instrumentation manifest: the provider's GUID and handle, its events'
 * descriptors, and macros that register it and write events. They write nothing and do not evaluate their arguments, as on Windows while no trace
 * session has enabled the event.
 *
 * DOC ("Writing Instrumentation Manifests", "Writing Manifest-based Events in kernel mode"): EventRegisterPROVIDER(), EventEnabledEVENT(),
 * EventWriteEVENT(activity, data…), EventUnregisterPROVIDER(); in user mode no activity is passed. The first channel of a provider is the topmost bit of
 * its events' keyword, the next one the bit below. Which header belongs to which manifest a project file says; here it is the manifest of the header's
 * name, or the only one there. */
#include "cli/cc_job.h"

#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_MANIFEST = 16 << 20, WORD = 256, FIRST_OWN_CHANNEL = 16 };

/* ---- the text ---- */

/* UTF-16 becomes bytes: what counts here is ASCII. NULL: not a manifest. */
static char *read_manifest(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = f ? cc_must(malloc(MAX_MANIFEST + 1)) : NULL;
    size_t n = f ? fread(text, 1, MAX_MANIFEST, f) : 0;
    if (f)
        fclose(f);
    if (n >= 2 && (uint8_t)text[0] == 0xFF && (uint8_t)text[1] == 0xFE) {
        for (size_t i = 2; i + 1 < n; i += 2)
            text[i / 2 - 1] = text[i];
        n = (n - 2) / 2;
    }
    if (text)
        text[n] = 0;
    if (text && strstr(text, "<instrumentationManifest"))
        return text;
    free(text);
    return NULL;
}

/* The next tag at or behind *at, without comments and end tags: from its name to its end; *at is set behind it. NULL: none before `end`. */
static const char *next_tag(const char **at, const char *end)
{
    for (const char *p = *at; (p = strchr(p, '<')) && p < end;) {
        if (cc_starts(p, "<!--")) {
            p = strstr(p, "-->");
            if (!p)
                return NULL;
            continue;
        }
        const char *name = p + 1;
        for (char quote = 0; *p && (quote || *p != '>'); p++)
            if (*p == '"' || *p == '\'')
                quote = quote == *p ? 0 : quote ? quote : *p;
        if (isalpha((unsigned char)*name))
            return *at = p, name;
    }
    return NULL;
}

static bool is_tag(const char *tag, const char *name)
{
    size_t n = strcspn(tag, " \t\r\n/>"), colon = strcspn(tag, ":");
    if (colon < n) {
        tag += colon + 1;
        n -= colon + 1;
    }
    return n == strlen(name) && !strncmp(tag, name, n);
}

/* An attribute's text; "" and false if the tag has none of that name. */
static bool attribute(const char *tag, const char *name, char out[WORD])
{
    size_t n = strlen(name);
    out[0] = 0;
    for (const char *p = tag + strcspn(tag, " \t\r\n/>"); *p && *p != '>';) {
        p += strspn(p, " \t\r\n/");
        const char *equals = p + strcspn(p, "=>");
        const char *quote = equals + strcspn(equals, "\"'>");
        if (*equals != '=' || !*quote || *quote == '>')
            return false;
        const char *last = strchr(quote + 1, *quote);
        if (!last)
            return false;
        if (!strncmp(p, name, n) && (p[n] == '=' || isspace((unsigned char)p[n]))) {
            snprintf(out, WORD, "%.*s", (int)(last - quote - 1), quote + 1);
            return true;
        }
        p = last + 1;
    }
    return false;
}

static void identifier(char *s)
{
    for (; *s; s++)
        if (!isalnum((unsigned char)*s))
            *s = '_';
}

/* ---- what names stand for ---- */

struct provider {
    const char *begin, *end;
    char name[WORD], symbol[WORD];
};

static const struct known {
    const char *tag, *name;
    uint64_t value;
} known[] = {
    {"level", "win:LogAlways", 0}, {"level", "win:Critical", 1}, {"level", "win:Error", 2}, {"level", "win:Warning", 3}, {"level", "win:Informational", 4},
    {"level", "win:Verbose", 5}, {"opcode", "win:Info", 0}, {"opcode", "win:Start", 1}, {"opcode", "win:Stop", 2}, {"opcode", "win:DC_Start", 3},
    {"opcode", "win:DC_Stop", 4}, {"opcode", "win:Extension", 5}, {"opcode", "win:Reply", 6}, {"opcode", "win:Resume", 7}, {"opcode", "win:Suspend", 8},
    {"opcode", "win:Send", 9}, {"opcode", "win:Receive", 240}, {"keyword", "win:ResponseTime", 1ULL << 48}, {"keyword", "win:WDIContext", 1ULL << 49},
    {"keyword", "win:WDIDiag", 1ULL << 50}, {"keyword", "win:SQM", 1ULL << 51}, {"keyword", "win:AuditFailure", 1ULL << 52},
    {"keyword", "win:AuditSuccess", 1ULL << 53}, {"keyword", "win:CorrelationHint", 1ULL << 54}, {"keyword", "win:EventlogClassic", 1ULL << 55},
};

/* The value of a level, task, opcode or keyword by its name: the manifest's own, then Windows's. */
static uint64_t value_of(const struct provider *p, const char *kind, const char *name)
{
    char word[WORD];
    const char *at = p->begin;
    for (const char *tag; *name && (tag = next_tag(&at, p->end));)
        if (is_tag(tag, kind) && attribute(tag, "name", word) && !strcmp(word, name))
            return attribute(tag, "value", word) || attribute(tag, "mask", word) ? strtoull(word, NULL, 0) : 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].tag, kind) && !strcmp(known[i].name, name))
            return known[i].value;
    return 0;
}

/* A channel by its chid or name; *bit is its place in keywords. */
static uint64_t channel_of(const struct provider *p, const char *name, uint64_t *bit)
{
    static const char *const imported[] = {"TraceClassic", "System", "Application", "Security", "TraceLogging"};
    static const uint8_t imported_value[] = {0, 8, 9, 10, 11};
    char id[WORD], word[WORD];
    uint64_t own = FIRST_OWN_CHANNEL;
    const char *at = p->begin;
    *bit = 1ULL << 63;
    for (const char *tag; (tag = next_tag(&at, p->end));) {
        bool import = is_tag(tag, "importChannel");
        if (!import && !is_tag(tag, "channel"))
            continue;
        attribute(tag, "name", word);
        uint64_t value = attribute(tag, "value", id) ? strtoull(id, NULL, 0) : own;
        own = import ? own : value + 1;
        for (size_t i = 0; import && i < sizeof imported_value; i++)
            if (!strcmp(word, imported[i]))
                value = imported_value[i];
        if (!strcmp(word, name) || (attribute(tag, "chid", id) && !strcmp(id, name)))
            return value;
        *bit >>= 1;
    }
    *bit = 0;
    return 0;
}

/* How many arguments an event with that template has; -1: as many as one likes (structures). */
static int count_data(const struct provider *p, const char *template)
{
    char word[WORD];
    int n = 0;
    bool inside = false;
    const char *at = p->begin;
    for (const char *tag; *template && (tag = next_tag(&at, p->end));) {
        if (is_tag(tag, "template"))
            inside = attribute(tag, "tid", word) && !strcmp(word, template);
        else if (inside && is_tag(tag, "struct"))
            return -1;
        else if (inside && is_tag(tag, "data"))
            n++;
        else if (is_tag(tag, "event"))
            inside = false;
    }
    return n;
}

/* ---- the header ---- */

static void write_guid(FILE *f, const char *symbol, const char *text)
{
    unsigned a = 0, b = 0, c = 0, d[8] = {0};
    sscanf(text, "{%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x", &a, &b, &c, d, d + 1, d + 2, d + 3, d + 4, d + 5, d + 6, d + 7);
    fprintf(f, "EXTERN_C __declspec(selectany) const GUID %s = {0x%08x, 0x%04x, 0x%04x, {", symbol, a, b, c);
    for (int i = 0; i < 8; i++)
        fprintf(f, "%s0x%02x", i ? ", " : "", d[i]);
    fprintf(f, "}};\n");
}

static void write_macro(FILE *f, const char *event, const char *suffix, int count, bool activity)
{
    const char *comma = "";
    fprintf(f, "#define EventWrite%s%s(", event, suffix);
    if (activity) {
        fprintf(f, "Activity");
        comma = ", ";
    }
    for (int i = 0; i < count; i++, comma = ", ")
        fprintf(f, "%sData%d", comma, i);
    if (count < 0)
        fprintf(f, "%s...", comma);
    fprintf(f, ") (EventEnabled%s() ? (", event);
    if (activity)
        fprintf(f, "(void)(Activity), ");
    for (int i = 0; i < count; i++)
        fprintf(f, "(void)(Data%d), ", i);
    fprintf(f, "0) : 0)\n");
}

static uint64_t keywords_of(const struct provider *p, const char *tag)
{
    char word[WORD], *rest = word;
    uint64_t mask = 0;
    attribute(tag, "keywords", word);
    for (char *name; (name = strsep(&rest, " \t\r\n"));)
        mask |= value_of(p, "keyword", name);
    return mask;
}

static void write_event(FILE *f, const struct provider *p, const char *tag)
{
    char symbol[WORD], word[WORD];
    uint64_t bit = 0;
    if (!attribute(tag, "symbol", symbol))
        return;
    attribute(tag, "value", word);
    unsigned id = (unsigned)strtoul(word, NULL, 0);
    attribute(tag, "version", word);
    unsigned version = (unsigned)strtoul(word, NULL, 0);
    unsigned channel = attribute(tag, "channel", word) ? (unsigned)channel_of(p, word, &bit) : 0;
    attribute(tag, "level", word);
    unsigned level = (unsigned)value_of(p, "level", word);
    attribute(tag, "opcode", word);
    unsigned opcode = (unsigned)value_of(p, "opcode", word);
    attribute(tag, "task", word);
    unsigned task = (unsigned)value_of(p, "task", word);
    fprintf(f, "EXTERN_C __declspec(selectany) const EVENT_DESCRIPTOR %s = {0x%x, 0x%x, 0x%x, 0x%x, 0x%x, 0x%x, 0x%llx};\n", symbol, id, version, channel,
            level, opcode, task, (unsigned long long)(keywords_of(p, tag) | bit));
    attribute(tag, "template", word);
    int count = count_data(p, word);
    fprintf(f, "#define %s_value 0x%x\n#define EventEnabled%s() 0\n#ifdef _KERNEL_MODE\n", symbol, id, symbol);
    for (int kernel = 1; kernel >= 0; kernel--) {
        write_macro(f, symbol, "", count, kernel);
        write_macro(f, symbol, "_AssumeEnabled", count, kernel);
        fprintf(f, kernel ? "#else\n" : "#endif\n");
    }
}

static void write_provider(FILE *f, struct provider *p, const char *tag)
{
    char guid[WORD], word[WORD];
    attribute(tag, "name", p->name);
    attribute(tag, "symbol", p->symbol);
    attribute(tag, "guid", guid);
    identifier(p->name);
    identifier(p->symbol);
    if (p->symbol[0])
        write_guid(f, p->symbol, guid);
    fprintf(f, "EXTERN_C __declspec(selectany) REGHANDLE %sHandle = 0;\n#ifdef _KERNEL_MODE\n", p->name);
    fprintf(f, "#define EventRegister%s() (%sHandle ? 0 : EtwRegister(&%s, 0, 0, &%sHandle))\n", p->name, p->name, p->symbol, p->name);
    fprintf(f, "#define EventUnregister%s() (%sHandle ? (EtwUnregister(%sHandle), %sHandle = 0, 0) : 0)\n", p->name, p->name, p->name, p->name);
    fprintf(f, "#else\n#define EventRegister%s() 0\n#define EventUnregister%s() 0\n#endif\n", p->name, p->name);
    const char *at = p->begin;
    for (const char *t; (t = next_tag(&at, p->end));) {
        static const char *const kinds[] = {"level", "task", "opcode", "keyword"};
        if (is_tag(t, "event"))
            write_event(f, p, t);
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (is_tag(t, kinds[i]) && attribute(t, "symbol", word)) {
                char name[WORD];
                attribute(t, "name", name);
                fprintf(f, "#define %s 0x%llx\n", word, (unsigned long long)value_of(p, kinds[i], name));
            }
    }
}

static bool write_header(const char *text, const char *path)
{
    const char *at = text, *end = text + strlen(text);
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    fprintf(f, "#pragma once\n#ifdef _KERNEL_MODE\n#include <wdm.h>\n#else\n#include <windows.h>\n#include <evntprov.h>\n#endif\n");
    for (const char *tag; (tag = next_tag(&at, end));)
        if (is_tag(tag, "provider")) {
            const char *close = strstr(at, "</provider>");
            struct provider p = {.begin = at, .end = close ? close : end};
            write_provider(f, &p, tag);
        }
    return !fclose(f);
}

/* ---- which manifest ---- */

struct choice {
    char *same, *other; /* of the header's name, and the only one of another name */
    unsigned others;
};

static void look(struct choice *c, const char *folder, const char *stem)
{
    char path[PATH_MAX];
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || (strcasecmp(dot, ".xml") && strcasecmp(dot, ".man") && strcasecmp(dot, ".manifest") && strcasecmp(dot, ".mc")))
            continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path)
            continue;
        char *text = read_manifest(path);
        bool same = strlen(stem) == (size_t)(dot - e->d_name) && !strncasecmp(stem, e->d_name, strlen(stem));
        char **place = same ? &c->same : &c->other;
        if (text && !same)
            c->others++;
        if (text && !*place)
            *place = text;
        else
            free(text);
    }
    if (d)
        closedir(d);
}

bool cc_write_manifest(const struct cc_job *job, const char *includer, const char *header, const char *path)
{
    struct choice c = {0};
    char folder[PATH_MAX], stem[NAME_MAX + 1];
    const char *slash = strrchr(includer, '/'), *base = strrchr(header, '/');
    base = base ? base + 1 : header;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - includer) : 1, slash ? includer : ".");
    snprintf(stem, sizeof stem, "%.*s", (int)strcspn(base, "."), base);
    look(&c, folder, stem);
    for (size_t i = 0; i < job->compiler.count; i++) {
        const char *word = job->compiler.at[i];
        const char *named = !cc_starts(word, "-I") ? NULL : word[2] || i + 1 == job->compiler.count ? word + 2 : job->compiler.at[i + 1];
        if (named && strcmp(named, folder))
            look(&c, named, stem);
    }
    const char *text = c.same ? c.same : c.others == 1 ? c.other : NULL;
    bool made = text && write_header(text, path);
    free(c.same);
    free(c.other);
    return made;
}
