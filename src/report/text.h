/* The text report of a failure: what failed, who completed it, the victim, the switches that lead there. */
#ifndef IRPLAB_REPORT_TEXT_H
#define IRPLAB_REPORT_TEXT_H

#include <stdio.h>

#include "report/record.h"

void report_text(FILE *out, const struct record *r, bool color);

#endif
