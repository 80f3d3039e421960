/* From here on DEFINE_GUID defines. Included as late as after guiddef.h, the toolchain's header changes nothing,
 * so the macro is made again; definitions of one GUID in two sources are one. */
#ifndef IRPLAB_INITGUID_H
#define IRPLAB_INITGUID_H

#ifndef INITGUID
#define INITGUID
#endif
#include <guiddef.h>

#undef DEFINE_GUID
#ifdef __cplusplus
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
    extern "C" const GUID __declspec(selectany) name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
    const GUID __declspec(selectany) name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#endif

#endif
