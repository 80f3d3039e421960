#include "pe/text.h"

#include <stdarg.h>
#include <stdio.h>

enum pe_status pe_bad(char *err, size_t errlen, const char *format, ...)
{
    if (err && errlen) {
        va_list ap;
        va_start(ap, format);
        vsnprintf(err, errlen, format, ap);
        va_end(ap);
    }
    return PE_BAD;
}
