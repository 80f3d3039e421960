#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { EXIT_INTERNAL = 3 };

void (*base_assert_hook)(void);

static _Noreturn void end_process(void)
{
    if (base_assert_hook)
        base_assert_hook();
    fflush(stderr);
    _exit(EXIT_INTERNAL);
}

_Noreturn void base_assert_failed(const char *text, const char *file, int line)
{
    fprintf(stderr, "irplab: internal error: %s:%d: assertion failed: %s\n", file, line, text);
    end_process();
}

_Noreturn void base_panic(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "irplab: internal error: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    end_process();
}
