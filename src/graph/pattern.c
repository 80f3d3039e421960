/* Patterns: reading them, and comparing texts. */
#include "graph/search.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nt/status.h"

/* --- kinds ------------------------------------------------------------------------------------------------ */

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_bytes(const char *s, struct graph_pattern *out)
{
    size_t fixed = 0;
    for (;;) {
        while (*s == ' ')
            s++;
        if (!*s)
            return out->length > 0 && fixed > 0;
        for (unsigned k = 0; k < 2; k++) {
            bool free_digit = s[k] == '?';
            if ((!free_digit && nibble(s[k]) < 0) || out->length == sizeof out->bytes)
                return false;
            out->bytes[out->length] = (uint8_t)(out->bytes[out->length] << 4 | (free_digit ? 0 : nibble(s[k])));
            out->mask[out->length] = (uint8_t)(out->mask[out->length] << 4 | (free_digit ? 0 : 15));
            fixed += !free_digit;
        }
        out->length++;
        s += 2;
        if (*s && *s != ' ' && nibble(*s) < 0 && *s != '?')
            return false;
    }
}

static bool status_by_name(const char *s, uint64_t *out)
{
    static const struct {
        const char *name;
        uint32_t value;
    } known[] = {
#define X(name, value) { #name, (uint32_t)(value) },
#define NT_ALIAS(name, value) { #name, (uint32_t)(value) },
#include "nt/status.def"
#undef X
#undef NT_ALIAS
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(known[i].name, s) == 0 || (strncasecmp(s, "STATUS_", 7) != 0 && strcasecmp(known[i].name + 7, s) == 0)) {
            *out = known[i].value;
            return true;
        }
    return false;
}

/* 0x…, …h with a leading digit, or decimal. */
static bool parse_number(const char *s, size_t length, uint64_t *out)
{
    char digits[32], *end;
    if (!length || length >= sizeof digits || !isdigit((unsigned char)s[0]))
        return false;
    memcpy(digits, s, length);
    digits[length] = 0;
    bool masm = tolower((unsigned char)digits[length - 1]) == 'h';
    if (masm)
        digits[length - 1] = 0;
    *out = strtoull(digits, &end, masm || strncasecmp(digits, "0x", 2) == 0 ? 16 : 10);
    return *end == 0;
}

/* --- texts ------------------------------------------------------------------------------------------------ */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '!' || c == '#' || c == '@' || c == '$' || c == '.';
}

/* Lower case, one space after the mnemonic and none elsewhere, no sizes, numbers as listings write them. */
static void normalise(const char *s, char *out, size_t room)
{
    static const char *const sizes[] = { "byte", "word", "dword", "qword", "fword", "tbyte", "xmmword", "ymmword", "zmmword", "ptr" };
    size_t n = 0;
    bool first = true;
    while (*s && n + 40 < room) {
        size_t length = 0;
        uint64_t v;
        if (isspace((unsigned char)*s)) {
            s++;
            continue;
        }
        while (is_word(s[length]) || s[length] == '*')
            length++;
        bool size = false;
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
            size |= length == strlen(sizes[k]) && strncasecmp(s, sizes[k], length) == 0;
        if (size) {
            s += length;
            continue;
        }
        if (length && parse_number(s, length, &v)) {
            n += (size_t)snprintf(out + n, room - n, "#%" PRIx64, v);
            s += length;
        } else if (length) {
            for (size_t k = 0; k < length && n + 2 < room; k++)
                out[n++] = (char)tolower((unsigned char)s[k]);
            s += length;
        } else {
            out[n++] = *s++;
        }
        bool prefix = n >= 3 && (memcmp(out, "rep", 3) == 0 || (n == 4 && memcmp(out, "lock", 4) == 0)) && !memchr(out, ' ', n);
        if (first || prefix)
            out[n++] = ' ';
        first = false;
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = 0;
}

static const char *const r64[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi" };

/* The kind of register a word of a listing names: 8, 16, 32, 64, 128, or 0. */
static unsigned register_bits(const char *w, size_t n)
{
    for (int k = 0; k < 8; k++) {
        if (n == 3 && memcmp(w, r64[k], 3) == 0)
            return 64;
        if (n == 3 && w[0] == 'e' && memcmp(w + 1, r64[k] + 1, 2) == 0)
            return 32;
        if (n == 2 && memcmp(w, r64[k] + 1, 2) == 0)
            return 16;
    }
    if (n == 3 && w[2] == 'l' && (memcmp(w, "si", 2) == 0 || memcmp(w, "di", 2) == 0 || memcmp(w, "bp", 2) == 0 || memcmp(w, "sp", 2) == 0))
        return 8;
    if (n == 2 && strchr("abcd", w[0]) && (w[1] == 'l' || w[1] == 'h'))
        return 8;
    if (n > 3 && w[1] == 'm' && w[2] == 'm')
        return 128;
    if (n >= 2 && n <= 4 && w[0] == 'r' && isdigit((unsigned char)w[1]))
        return w[n - 1] == 'd' ? 32 : w[n - 1] == 'w' ? 16 : w[n - 1] == 'b' ? 8 : 64;
    return 0;
}

static size_t word_length(const char *s)
{
    size_t n = 0;
    while (is_word(s[n]))
        n++;
    return n;
}

/* How much of `s` the free word w of n characters stands for; 0: nothing. */
static size_t free_word(const char *w, size_t n, const char *s)
{
    static const struct {
        const char *name;
        unsigned bits;
    } kinds[] = { { "reg", 1 }, { "r8", 0 }, { "r16", 16 }, { "r32", 32 }, { "r64", 64 }, { "xmm", 128 } };
    size_t length = word_length(s);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (kinds[k].bits && n == strlen(kinds[k].name) && memcmp(w, kinds[k].name, n) == 0) {
            unsigned bits = register_bits(s, length);
            return bits && (kinds[k].bits == 1 ? bits < 128 : bits == kinds[k].bits) ? length : 0;
        }
    if (n == 3 && memcmp(w, "imm", 3) == 0)
        return s[0] == '#' ? length : 0;
    if (n == 3 && memcmp(w, "mem", 3) == 0) {
        const char *segment = s[0] && s[1] == 's' && s[2] == ':' ? s + 3 : s, *close = strchr(segment, ']');
        return *segment == '[' && close ? (size_t)(close + 1 - s) : 0;
    }
    return 0;
}

static bool fits(const char *p, const char *s)
{
    while (*p) {
        if (*p == '*') {
            while (*p == '*')
                p++;
            for (;; s++) {
                if (fits(p, s))
                    return true;
                if (!*s)
                    return false;
            }
        }
        size_t n = word_length(p), free_length = n ? free_word(p, n, s) : 0;
        if (free_length) {
            p += n;
            s += free_length;
            continue;
        }
        if (*p != *s)
            return false;
        p++;
        s++;
    }
    return !*s;
}

/* `[sym (addr)]` and `sym (addr)`: the address in parentheses is not part of what is compared. */
static void drop_addresses(char *s)
{
    char *open, *close;
    while ((open = strchr(s, '(')) != NULL && (close = strchr(open, ')')) != NULL && memchr(open, '`', (size_t)(close - open)))
        memmove(open, close + 1, strlen(close + 1) + 1);
}

bool graph_text_fits(const struct graph_pattern *p, const char *line)
{
    char s[GRAPH_LINE];
    normalise(line, s, sizeof s);
    if (p->only_mnemonic)
        return strncmp(s, p->text, strlen(p->text)) == 0 && (s[strlen(p->text)] == 0 || s[strlen(p->text)] == ' ');
    drop_addresses(s);
    return fits(p->text, s);
}

static bool is_mnemonic(const char *s)
{
    for (int m = 0; m <= ZYDIS_MNEMONIC_MAX_VALUE; m++)
        if (strcmp(ZydisMnemonicGetString((ZydisMnemonic)m), s) == 0)
            return true;
    return strcmp(s, "je") == 0 || strcmp(s, "jne") == 0;
}

/* One word is a mnemonic with any operands, or part of a name. */
static void take_mnemonic(struct graph_pattern *out)
{
    size_t n = strcspn(out->text, " ");
    if (!out->text[n] && !strchr(out->text, '*')) {
        out->only_mnemonic = is_mnemonic(out->text);
        if (!out->only_mnemonic) {
            memmove(out->text + 1, out->text, n);
            out->text[0] = out->text[n + 1] = '*';
            out->text[n + 2] = 0;
            return;
        }
    }
    if (n < sizeof out->mnemonic && !memchr(out->text, '*', n)) {
        memcpy(out->mnemonic, out->text, n);
        out->mnemonic[n] = 0;
    }
}

/* [reg+30h] and the like, with nothing but registers before: what a first look at the instruction can tell. */
static void take_displacement(struct graph_pattern *out)
{
    const char *open = strchr(out->text, '['), *close = open ? strchr(open, ']') : NULL, *sign = close;
    char *end;
    if (!close || strchr(close, '['))
        return;
    while (sign > open && *sign != '+' && *sign != '-')
        sign--;
    if (sign == open || sign[1] != '#')
        return;
    for (const char *w = open + 1; w < sign;) {
        size_t n = word_length(w);
        bool kind = n && (register_bits(w, n) || strncmp(w, "reg", n) == 0 || strncmp(w, "r32", n) == 0 || strncmp(w, "r64", n) == 0);
        bool scale = *w == '*' && w > open + 1 && w[1] == '#';
        if ((n && !kind && *w != '#') || (*w == '*' && !scale))
            return;
        w += n ? n : 1;
    }
    uint64_t v = strtoull(sign + 2, &end, 16);
    out->has_disp = end == close && v && v <= INT32_MAX;
    out->disp = (int32_t)v;
}

bool graph_pattern_parse(const char *text, struct graph_pattern *out, char *err, size_t errlen)
{
    memset(out, 0, sizeof *out);
    while (*text == ' ')
        text++;
    if (!*text || strlen(text) >= sizeof out->text / 2) {
        snprintf(err, errlen, *text ? "the pattern is too long" : "the pattern is empty");
        return false;
    }
    /* `0C0000120h` is a constant, `fa` and `0f 05` are bytes; `12` is a constant: bytes want two of them or a letter. */
    if (parse_number(text, strlen(text), &out->constant) || status_by_name(text, &out->constant)) {
        out->kind = GRAPH_PATTERN_CONSTANT;
        return true;
    }
    if (strlen(text) > 1 && parse_bytes(text, out)) {
        out->kind = GRAPH_PATTERN_BYTES;
        return true;
    }
    out->kind = GRAPH_PATTERN_TEXT;
    if (strncasecmp(text, "STATUS_", 7) == 0 && !strchr(text, ' ')) {
        snprintf(err, errlen, "no status is called '%s'", text);
        return false;
    }
    char named[256];
    const char *status = strstr(text, "STATUS_");
    uint64_t v;
    snprintf(named, sizeof named, "%s", text);
    if (status) { /* mov edx,STATUS_CANCELLED */
        char name[128];
        size_t n = strspn(status, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
        snprintf(name, sizeof name, "%.*s", (int)n, status);
        if (!status_by_name(name, &v)) {
            snprintf(err, errlen, "no status is called '%s'", name);
            return false;
        }
        snprintf(named, sizeof named, "%.*s0%" PRIx64 "h%s", (int)(status - text), text, v, status + n);
    }
    normalise(named, out->text, sizeof out->text);
    take_mnemonic(out);
    take_displacement(out);
    return true;
}
