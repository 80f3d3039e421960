/* _splitpath_s and _makepath_s, for char and wchar_t. */
#include "rtl/crt.h"
#include "rtl/memory.h"

#define CH CHAR
#define LENGTH nt_strlen
#define SPLIT_S nt__splitpath_s
#define MAKE_S nt__makepath_s
#define PUT put
#define APPEND append
#define CLEAR clear
#include "rtl/crt_path.inc"
#undef CH
#undef LENGTH
#undef SPLIT_S
#undef MAKE_S
#undef PUT
#undef APPEND
#undef CLEAR

#define CH WCHAR
#define LENGTH nt_wcslen
#define SPLIT_S nt__wsplitpath_s
#define MAKE_S nt__wmakepath_s
#define PUT put_wide
#define APPEND append_wide
#define CLEAR clear_wide
#include "rtl/crt_path.inc"
