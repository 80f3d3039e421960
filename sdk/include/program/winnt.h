/* winnt.h, whose own inline functions keep the toolchain's form: some are declared before they are defined, and such a function
 * does not become each source's own (see _mingw.h). */
#if defined(__clang__)
#pragma clang system_header
#endif

#include <_mingw.h>

#if !defined(__cplusplus) && !defined(IRPLAB_WINNT)
#define IRPLAB_WINNT
#define FORCEINLINE extern __inline__ __attribute__((__always_inline__, __gnu_inline__))
#include_next <winnt.h>
#undef FORCEINLINE
#define FORCEINLINE __forceinline
#else
#include_next <winnt.h>
#endif
