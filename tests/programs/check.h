/* Checks of the console programs: each prints what it found wrong and the program's exit code is the number of failures. The
 * same programs are meant to pass on Windows. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>
#include <windows.h>

static int check_failures;

#define CHECK(x)                                                                                                       \
    do {                                                                                                               \
        if (!(x)) {                                                                                                    \
            printf("%s:%d: %s (last error %lu)\n", __FILE__, __LINE__, #x, GetLastError());                            \
            check_failures++;                                                                                          \
        }                                                                                                              \
    } while (0)

#define CHECK_EQ(a, b)                                                                                                 \
    do {                                                                                                               \
        long long a_ = (long long)(a), b_ = (long long)(b);                                                            \
        if (a_ != b_) {                                                                                                \
            printf("%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a, a_, b_);                                   \
            check_failures++;                                                                                          \
        }                                                                                                              \
    } while (0)

#define CHECK_STR(a, b)                                                                                                \
    do {                                                                                                               \
        const char *a_ = (a), *b_ = (b);                                                                               \
        if (strcmp(a_, b_) != 0) {                                                                                     \
            printf("%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #a, a_, b_);                               \
            check_failures++;                                                                                          \
        }                                                                                                              \
    } while (0)

#endif
