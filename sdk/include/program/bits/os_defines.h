/* The C++ library's headers ask for mingw's own printf, which knows neither %ws nor %I64d: a program has the C run-time's. */
#include_next <bits/os_defines.h>
#undef __USE_MINGW_ANSI_STDIO
#define __USE_MINGW_ANSI_STDIO 0
