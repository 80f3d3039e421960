/* Drawing a sequence diagram as SVG. Colours come from the page's style sheet (page_style.c). */
#ifndef IRPLAB_REPORT_SVG_H
#define IRPLAB_REPORT_SVG_H

#include "report/markup.h"
#include "report/sequence.h"

/* id: of the element, and prefix of the ids in it; title: for those who hear the page. */
void svg_sequence(FILE *f, const struct sequence *q, const struct record *r, struct palette *p, const char *id, const char *title);

#endif
