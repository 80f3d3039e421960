/* str* of the C run-time: the ASCII ("C" locale) rules. */
#include "rtl/crt.h"
#include "rtl/memory.h"

#define CH CHAR
#define STR(x) nt_str##x
#define _STR(x) nt__str##x
#define UNSIGNED(c) ((UCHAR)(c))
#define LOWER lower
#define MEMBER member
#define FAIL fail
#define APPEND append
#include "rtl/crt_string.inc"
