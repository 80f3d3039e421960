/* Text for HTML and SVG. */
#ifndef IRPLAB_REPORT_MARKUP_H
#define IRPLAB_REPORT_MARKUP_H

#include <stdint.h>
#include <stdio.h>

/* Escaped for content and for attributes in double quotes. Bytes that are no text become '?'. */
void markup_text(FILE *f, const char *text);
void markup_bytes(FILE *f, const char *text, size_t n);
/* Characters, not bytes. */
size_t markup_length(const char *text);

/* Which colour an agent has: the same in all parts of a page. */
struct palette {
    const char *names[64];
    unsigned count;
};
enum { PALETTE_COLORS = 6 };
unsigned palette_color(struct palette *p, const char *name);

#endif
