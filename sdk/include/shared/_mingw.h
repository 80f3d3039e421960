/* _mingw.h, which every header of the toolchain includes first, with Microsoft's meaning of __forceinline in C: each source has its own
 * copy, whose address may be taken, and `static` may stand beside it. The toolchain's is `extern` and has no body to point at. */
#if defined(__clang__)
#pragma clang system_header
#endif

#include_next <_mingw.h>

#if !defined(__cplusplus) && !defined(IRPLAB_FORCEINLINE)
#define IRPLAB_FORCEINLINE
#undef __forceinline
#define __forceinline static __inline__ __attribute__((__always_inline__, __unused__))
#endif
