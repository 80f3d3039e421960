/* printf as NT's kernel and msvcrt.dll have it. One formatter serves DbgPrint, the sprintf family of the kernel and the
 * printf family of the user side, narrow and wide.
 *
 * Arguments come as in a Microsoft va_list: 8 bytes each, doubles as bit patterns; the formatter reads as many as the
 * format asks for. It writes characters to a sink one by one and never stores more than the sink does. */
#ifndef IRPLAB_RTL_FORMAT_H
#define IRPLAB_RTL_FORMAT_H

#include "nt/types.h"

struct rtl_sink {
    /* Takes one character: a byte of the ANSI code page from rtl_format, a UTF-16 unit from rtl_format_wide. */
    void (*put)(struct rtl_sink *sink, WCHAR c);
};

/* Both return how many characters were written to the sink. */
int rtl_format(struct rtl_sink *sink, const char *format, const uint64_t *args);
int rtl_format_wide(struct rtl_sink *sink, const WCHAR *format, const uint64_t *args);

/* Writes into a buffer: the first `size` characters are stored, all are counted. No terminator is added. */
struct rtl_buffer_sink {
    struct rtl_sink sink;
    void *buffer;
    size_t size; /* characters */
    size_t length; /* characters written so far, stored or not */
};
void rtl_buffer_sink_init(struct rtl_buffer_sink *b, char *buffer, size_t size);
void rtl_wide_buffer_sink_init(struct rtl_buffer_sink *b, WCHAR *buffer, size_t size);

/* A floating-point number in digits, as the legacy C run-time makes them: at most 17 significant ones, then zeros,
 * halves rounded up. `style` is one of e E f F g G a A. Returns the length of text in out, sign excluded. */
enum { RTL_DOUBLE_TEXT = 1200 };
struct rtl_double_spec {
    char style;
    int precision; /* negative: default */
    int alternate; /* '#' */
};
int rtl_format_double(char out[RTL_DOUBLE_TEXT], double value, struct rtl_double_spec spec);

#endif
