/* One line of error text. Private to this room: every function that refuses input says why through it. */
#ifndef IRPLAB_PE_TEXT_H
#define IRPLAB_PE_TEXT_H

#include "pe/pe.h"

/* Writes the line (if there is room for one) and returns PE_BAD, so that callers can return it. */
enum pe_status pe_bad(char *err, size_t errlen, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
