#include "report/markup.h"

#include <string.h>

void markup_bytes(FILE *f, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '&')
            fputs("&amp;", f);
        else if (c == '<')
            fputs("&lt;", f);
        else if (c == '>')
            fputs("&gt;", f);
        else if (c == '"')
            fputs("&quot;", f);
        else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
            fputc(c == '\r' ? ' ' : '?', f);
        else
            fputc(c, f);
    }
}

void markup_text(FILE *f, const char *text)
{
    if (text)
        markup_bytes(f, text, strlen(text));
}

size_t markup_length(const char *text)
{
    size_t n = 0;
    for (; text && *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

unsigned palette_color(struct palette *p, const char *name)
{
    for (unsigned i = 0; i < p->count; i++)
        if (strcmp(p->names[i], name) == 0)
            return i % PALETTE_COLORS;
    if (p->count < sizeof p->names / sizeof p->names[0])
        p->names[p->count++] = name;
    return (p->count - 1) % PALETTE_COLORS;
}
