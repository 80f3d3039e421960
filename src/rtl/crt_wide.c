/* wcs* of the C run-time. GUESS: the case-insensitive ones know ASCII only, as in the "C" locale. */
#include "rtl/crt.h"
#include "rtl/memory.h"

#define CH WCHAR
#define STR(x) nt_wcs##x
#define _STR(x) nt__wcs##x
#define UNSIGNED(c) (c)
#define LOWER lower
#define MEMBER member
#define FAIL fail
#define APPEND append
#include "rtl/crt_string.inc"
