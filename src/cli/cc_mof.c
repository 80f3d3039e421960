/* The header that mofcomp and wmimofck would make of a .mof file: for each class its GUID, a structure with its data items in
 * the order of their WmiDataId, and for each method the structures of what goes in and out.
 *
 * The forms are those of wmidata.h, a public header that Microsoft made so:
 *   - `CLASSGuid` initialises a GUID, `CLASS_GUID` is defined by DEFINE_GUID (other names: HeaderName, GuidName1, GuidName2);
 *   - each item of a fixed size has `CLASS_ITEM_SIZE` and `CLASS_ITEM_ID`, and a class of such items `CLASS_SIZE`;
 *   - the first item without a fixed size is the structure's last member, an array of one: of bytes, and named VariableData,
 *     if it is a string. Items behind it have only their ID; such a class has no CLASS_SIZE. */
#include "cli/cc_job.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_ROOM = 128, ITEMS = 128, METHODS = 64, PARAMETERS = 32 };

struct item {
    unsigned id; /* WmiDataId, or the parameter's position; 0: not data */
    bool string, variable, in, out;
    unsigned count, max_length; /* array elements (0: none); characters of a string with MaxLen */
    char type[NAME_ROOM], name[NAME_ROOM];
};

struct method {
    unsigned id, count;
    char name[NAME_ROOM], header[NAME_ROOM];
    struct item parameter[PARAMETERS];
};

struct mof_class {
    char name[NAME_ROOM], guid[NAME_ROOM], guid_name[2][NAME_ROOM];
    unsigned items, methods;
    struct item item[ITEMS];
    struct method method[METHODS];
};

/* What stood between brackets before a class, an item, a method or a parameter. */
struct qualifiers {
    unsigned data_id, method_id, max_length;
    bool in, out, size_is;
    char guid[NAME_ROOM], header[NAME_ROOM], guid_name[2][NAME_ROOM];
};

struct reader {
    const char *at;
    char token[1024]; /* a word, a number, a string without its quotes, or one character; empty at the end */
    bool quoted, failed;
};

/* ---- tokens ---- */

static void skip_blanks(struct reader *r)
{
    for (;;) {
        r->at += strspn(r->at, " \t\r\n\f");
        if (r->at[0] == '/' && r->at[1] == '/')
            r->at += strcspn(r->at, "\n");
        else if (r->at[0] == '/' && r->at[1] == '*') {
            const char *end = strstr(r->at + 2, "*/");
            r->at = end ? end + 2 : r->at + strlen(r->at);
        } else if (r->at[0] == '#') /* #pragma */
            r->at += strcspn(r->at, "\n");
        else
            return;
    }
}

static void next(struct reader *r)
{
    size_t n = 0;
    skip_blanks(r);
    r->quoted = *r->at == '"';
    if (r->quoted) {
        for (r->at++; *r->at && *r->at != '"'; r->at++) {
            r->at += *r->at == '\\' && r->at[1];
            if (n + 1 < sizeof r->token)
                r->token[n++] = *r->at;
        }
        r->at += *r->at == '"';
    } else if (isalnum((unsigned char)*r->at) || *r->at == '_') {
        for (; isalnum((unsigned char)*r->at) || *r->at == '_'; r->at++)
            if (n + 1 < sizeof r->token)
                r->token[n++] = *r->at;
    } else if (*r->at)
        r->token[n++] = *r->at++;
    r->token[n] = 0;
}

static bool is(const struct reader *r, const char *word)
{
    return !r->quoted && !strcasecmp(r->token, word);
}

static bool at_end(const struct reader *r)
{
    return !r->quoted && !r->token[0];
}

static void expect(struct reader *r, const char *word)
{
    if (is(r, word))
        next(r);
    else
        r->failed = true;
}

static void take_name(struct reader *r, char out[NAME_ROOM])
{
    if (r->quoted || !(isalpha((unsigned char)r->token[0]) || r->token[0] == '_'))
        r->failed = true;
    snprintf(out, NAME_ROOM, "%.*s", NAME_ROOM - 1, r->token);
    next(r);
}

/* ---- qualifiers ---- */

static void note_qualifier(struct qualifiers *q, const char *name, const char *value)
{
    struct {
        const char *name;
        char *text;
    } const texts[] = {{"guid", q->guid}, {"HeaderName", q->header}, {"GuidName1", q->guid_name[0]}, {"GuidName2", q->guid_name[1]}};
    struct {
        const char *name;
        unsigned *number;
    } const numbers[] = {{"WmiDataId", &q->data_id}, {"WmiMethodId", &q->method_id}, {"MaxLen", &q->max_length}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcasecmp(name, texts[i].name))
            snprintf(texts[i].text, NAME_ROOM, "%.*s", NAME_ROOM - 1, value);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strcasecmp(name, numbers[i].name))
            *numbers[i].number = (unsigned)strtoul(value, NULL, 0);
    q->in |= !strcasecmp(name, "in");
    q->out |= !strcasecmp(name, "out");
    q->size_is |= !strcasecmp(name, "WmiSizeIs");
}

/* NAME, NAME(values), NAME{values}; each may be followed by `: flavours`. */
static void take_qualifiers(struct reader *r, struct qualifiers *q)
{
    *q = (struct qualifiers){0};
    if (!is(r, "["))
        return;
    next(r);
    while (!at_end(r) && !is(r, "]")) {
        char name[NAME_ROOM], value[NAME_ROOM] = "";
        snprintf(name, sizeof name, "%.*s", NAME_ROOM - 1, r->token);
        next(r);
        if (is(r, "(") || is(r, "{")) {
            const char *close = is(r, "(") ? ")" : "}";
            next(r);
            snprintf(value, sizeof value, "%.*s", NAME_ROOM - 1, r->token);
            while (!at_end(r) && !is(r, close))
                next(r);
            next(r);
        }
        note_qualifier(q, name, value);
        while (!at_end(r) && !is(r, ",") && !is(r, "]")) /* flavours */
            next(r);
        if (is(r, ","))
            next(r);
    }
    expect(r, "]");
}

/* ---- classes ---- */

static bool c_type(const char *mof, char out[NAME_ROOM])
{
    static const char *const types[][2] = {
        {"boolean", "BOOLEAN"}, {"byte", "UCHAR"},       {"uint8", "UCHAR"},     {"sint8", "CHAR"},      {"int8", "CHAR"},
        {"char16", "WCHAR"},    {"uint16", "USHORT"},    {"sint16", "SHORT"},    {"int16", "SHORT"},     {"uint32", "ULONG"},
        {"sint32", "LONG"},     {"int32", "LONG"},       {"uint64", "ULONGLONG"}, {"sint64", "LONGLONG"}, {"int64", "LONGLONG"},
        {"real32", "float"},    {"real64", "double"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcasecmp(mof, types[i][0])) {
            strcpy(out, types[i][1]);
            return true;
        }
    snprintf(out, NAME_ROOM, "%s", mof); /* an embedded class */
    return false;
}

/* TYPE NAME, TYPE NAME[n], TYPE NAME[]; a method's name is left for the caller. */
static void take_item(struct reader *r, const struct qualifiers *q, struct item *item)
{
    char type[NAME_ROOM];
    *item = (struct item){.in = q->in, .out = q->out, .max_length = q->max_length};
    take_name(r, type);
    item->string = !strcasecmp(type, "string") || !strcasecmp(type, "datetime");
    if (!strcasecmp(type, "datetime")) /* DOC: yyyymmddhhmmss.ffffff+zzz, no counted string */
        item->max_length = 25;
    if (item->string)
        strcpy(item->type, "WCHAR");
    else
        c_type(type, item->type);
    if (is(r, "ref"))
        next(r);
    take_name(r, item->name);
    item->variable = item->string && !item->max_length;
    if (is(r, "[")) {
        next(r);
        item->count = is(r, "]") ? 1 : (unsigned)strtoul(r->token, NULL, 0);
        item->variable |= is(r, "]") || q->size_is;
        if (!is(r, "]"))
            next(r);
        expect(r, "]");
    }
}

static void take_method(struct reader *r, const struct qualifiers *q, const char *name, struct method *method)
{
    *method = (struct method){.id = q->method_id};
    snprintf(method->name, NAME_ROOM, "%s", name);
    snprintf(method->header, NAME_ROOM, "%s", q->header[0] ? q->header : name);
    expect(r, "(");
    while (!r->failed && !at_end(r) && !is(r, ")")) {
        struct qualifiers own;
        struct item item;
        take_qualifiers(r, &own);
        take_item(r, &own, &item);
        item.id = own.data_id ? own.data_id : method->count + 1;
        if (method->count < PARAMETERS)
            method->parameter[method->count++] = item;
        if (is(r, ","))
            next(r);
    }
    expect(r, ")");
}

static void take_members(struct reader *r, struct mof_class *c)
{
    while (!r->failed && !at_end(r) && !is(r, "}")) {
        struct qualifiers q;
        struct item item;
        take_qualifiers(r, &q);
        take_item(r, &q, &item);
        item.id = q.data_id;
        if (is(r, "(")) {
            if (c->methods < METHODS)
                take_method(r, &q, item.name, &c->method[c->methods++]);
        } else if (item.id && c->items < ITEMS)
            c->item[c->items++] = item;
        while (!at_end(r) && !is(r, ";")) /* a default value */
            next(r);
        expect(r, ";");
    }
    expect(r, "}");
}

static int by_id(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Whether there was another class. Instances and anything else at the outermost level are passed over. */
static bool take_class(struct reader *r, struct mof_class *c)
{
    struct qualifiers q;
    while (!r->failed && !at_end(r)) {
        *c = (struct mof_class){0};
        take_qualifiers(r, &q);
        if (!is(r, "class")) {
            while (!at_end(r) && !is(r, ";"))
                next(r);
            next(r);
            continue;
        }
        next(r);
        take_name(r, c->name);
        if (is(r, ":")) {
            next(r);
            next(r);
        }
        if (is(r, ";")) { /* declared only */
            next(r);
            continue;
        }
        expect(r, "{");
        take_members(r, c);
        expect(r, ";");
        qsort(c->item, c->items, sizeof *c->item, by_id);
        snprintf(c->guid, NAME_ROOM, "%s", q.guid);
        if (q.header[0])
            snprintf(c->name, NAME_ROOM, "%s", q.header);
        for (int i = 0; i < 2; i++)
            snprintf(c->guid_name[i], NAME_ROOM, "%s", q.guid_name[i]);
        return !r->failed;
    }
    return false;
}

/* ---- writing ---- */

static bool guid_bytes(const char *text, unsigned g[11])
{
    return sscanf(text + (*text == '{'), "%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x", g, g + 1, g + 2, g + 3, g + 4, g + 5, g + 6, g + 7, g + 8,
                  g + 9, g + 10) == 11;
}

static void write_guid(FILE *f, const struct mof_class *c)
{
    unsigned g[11];
    char first[NAME_ROOM + 8], second[NAME_ROOM + 8];
    if (!guid_bytes(c->guid, g))
        return;
    snprintf(first, sizeof first, "%s%s", c->guid_name[0][0] ? c->guid_name[0] : c->name, c->guid_name[0][0] ? "" : "Guid");
    snprintf(second, sizeof second, "%s%s", c->guid_name[1][0] ? c->guid_name[1] : c->name, c->guid_name[1][0] ? "" : "_GUID");
    fprintf(f, "#define %s { 0x%08x,0x%04x,0x%04x, { 0x%02x,0x%02x,0x%02x,0x%02x,0x%02x,0x%02x,0x%02x,0x%02x } }\n", first, g[0], g[1],
            g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], g[10]);
    fprintf(f, "DEFINE_GUID(%s, 0x%08x,0x%04x,0x%04x,0x%02x,0x%02x,0x%02x,0x%02x,0x%02x,0x%02x,0x%02x,0x%02x);\n", second, g[0], g[1],
            g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], g[10]);
}

static void write_fixed(FILE *f, const char *owner, const struct item *item)
{
    char dimensions[64] = "";
    size_t n = 0;
    if (item->count)
        n = (size_t)snprintf(dimensions, sizeof dimensions, "[%u]", item->count);
    if (item->string)
        snprintf(dimensions + n, sizeof dimensions - n, "[%u + 1]", item->max_length);
    fprintf(f, "    %s %s%s;\n    #define %s_%s_SIZE sizeof(%s%s)\n", item->type, item->name, dimensions, owner, item->name, item->type,
            dimensions);
}

/* A structure of those items for which `wanted` holds; the items have the order of their IDs. */
static void write_structure(FILE *f, const char *owner, const struct item *items, unsigned count, bool (*wanted)(const struct item *))
{
    const struct item *last = NULL;
    bool variable = false;
    for (unsigned i = 0; i < count; i++)
        if (wanted(&items[i])) {
            if (!last)
                fprintf(f, "typedef struct _%s\n{\n", owner);
            last = &items[i];
            if (!variable && last->variable && last->string)
                fputs("    CHAR VariableData[1];\n", f);
            else if (!variable && last->variable)
                fprintf(f, "    %s %s[1];\n", last->type, last->name);
            else if (!variable)
                write_fixed(f, owner, last);
            variable |= last->variable;
            fprintf(f, "    #define %s_%s_ID %u\n", owner, last->name, last->id);
        }
    if (!last)
        return;
    fprintf(f, "} %s, *P%s;\n", owner, owner);
    if (!variable)
        fprintf(f, "#define %s_SIZE (FIELD_OFFSET(%s, %s) + %s_%s_SIZE)\n", owner, owner, last->name, owner, last->name);
}

static bool every(const struct item *item)
{
    return item->id != 0;
}

static bool goes_in(const struct item *item)
{
    return item->in;
}

static bool comes_out(const struct item *item)
{
    return item->out;
}

static void write_class(FILE *f, const struct mof_class *c)
{
    char owner[NAME_ROOM + 8];
    fprintf(f, "\n/* %s */\n", c->name);
    write_guid(f, c);
    for (unsigned i = 0; i < c->methods; i++) {
        const struct method *m = &c->method[i];
        fprintf(f, "#define %s %u\n", m->header, m->id);
        snprintf(owner, sizeof owner, "%s_IN", m->header);
        write_structure(f, owner, m->parameter, m->count, goes_in);
        snprintf(owner, sizeof owner, "%s_OUT", m->header);
        write_structure(f, owner, m->parameter, m->count, comes_out);
    }
    write_structure(f, c->name, c->item, c->items, every);
}

/* ---- entry ---- */

/* The file's text; of UTF-16 the low bytes, which is enough for names. */
static char *text_of(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t room = 1 << 20, n = f ? 0 : room, from = 0, to = 0;
    char *text = f ? cc_must(malloc(room)) : NULL;
    if (!f)
        return NULL;
    n = fread(text, 1, room - 1, f);
    fclose(f);
    if (n >= 2 && (unsigned char)text[0] == 0xff && (unsigned char)text[1] == 0xfe) {
        for (from = 2; from + 1 < n; from += 2)
            text[to++] = text[from];
        n = to;
    }
    text[n] = 0;
    return text;
}

/* GUESS: the text itself. What mofcomp makes is a compressed form that is not documented, and nobody here reads it. */
void cc_write_bmf_files(const struct cc_job *job, const char *script, const char *folder, struct cc_words *made)
{
    static const char delimiters[] = " \t\r\n\"/\\";
    char *text = text_of(script);
    for (char *at = text; at && (at = strcasestr(at, ".bmf")); at++) {
        char *begin = at, name[NAME_ROOM], mof[PATH_MAX];
        while (begin > text && !strchr(delimiters, begin[-1]))
            begin--;
        snprintf(name, sizeof name, "%.*s", (int)(at + 4 - begin), begin);
        if (!cc_find_mof(job, script, name, mof))
            continue;
        cc_addf(made, "%s/%s", folder, name);
        char *content = text_of(mof);
        FILE *f = fopen(made->at[made->count - 1], "w");
        if (f && content)
            fputs(content, f);
        if (f)
            fclose(f);
        free(content);
    }
    free(text);
}

bool cc_write_mof_header(const char *mof, const char *path)
{
    struct mof_class *c = cc_must(malloc(sizeof *c));
    char *text = text_of(mof);
    FILE *f = text ? fopen(path, "w") : NULL;
    struct reader r = {.at = text};
    bool good = f != NULL;
    if (good) {
        const char *name = strrchr(mof, '/');
        fprintf(f, "/* From %s. */\n#pragma once\n", name ? name + 1 : mof);
        for (next(&r); take_class(&r, c);)
            write_class(f, c);
        if (r.failed)
            fprintf(stderr, "irplab cc: %s: not understood at '%s'\n", mof, r.token);
        good = !fclose(f) && !r.failed;
    }
    free(text);
    free(c);
    return good;
}
