/* Which version of KMDF a source is built for: KMDF_VERSION_MAJOR (1) and KMDF_VERSION_MINOR (9 to 33), given by the build
 * (-D, or `irplab cc --kmdf 1.N`). The version decides which functions exist, how long structures are, and how the stub
 * asks for the function table. */
#ifndef IRPLAB_WDF_VERSION_H
#define IRPLAB_WDF_VERSION_H

#ifndef KMDF_VERSION_MAJOR
#define KMDF_VERSION_MAJOR 1
#endif
#ifndef KMDF_VERSION_MINOR
#define KMDF_VERSION_MINOR 33
#endif
#if KMDF_VERSION_MAJOR != 1 || KMDF_VERSION_MINOR < 9 || KMDF_VERSION_MINOR > 33
#error "KMDF 1.9 to 1.33 are known here"
#endif

#ifndef WDF_EXTERN_C
#ifdef __cplusplus
#define WDF_EXTERN_C extern "C"
#define WDF_EXTERN_C_START extern "C" {
#define WDF_EXTERN_C_END }
#else
#define WDF_EXTERN_C
#define WDF_EXTERN_C_START
#define WDF_EXTERN_C_END
#endif
#endif

/* From 1.15 on the framework hands out a pointer to its own table; before, it fills one in the driver. */
#define WDF_TABLE_IS_POINTER (KMDF_VERSION_MINOR >= 15)

#define WDF_VERSIONED_NAME_3(minor) WdfFunctions_010##minor
#define WDF_VERSIONED_NAME_2(minor) WDF_VERSIONED_NAME_3(minor)
#if KMDF_VERSION_MINOR >= 11
#define WdfFunctions WDF_VERSIONED_NAME_2(KMDF_VERSION_MINOR)
#endif

#endif
