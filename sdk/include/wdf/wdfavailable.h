/* Drivers built for 1.25 and later may run on an older framework; then the framework tells how many functions and
 * structures it knows, and how long they are. */
#ifndef IRPLAB_WDF_AVAILABLE_H
#define IRPLAB_WDF_AVAILABLE_H

#include "wdfversion.h"
#include "wdfstructenum.h"

WDF_EXTERN_C_START

#define WDF_FIRST_VERSION_SUPPORTING_CLIENT_VERSION_HIGHER_THAN_FRAMEWORK 25
#define WDF_ALWAYS_AVAILABLE_FUNCTION_COUNT 453

#if defined(KMDF_MINIMUM_VERSION_REQUIRED)
#if KMDF_MINIMUM_VERSION_REQUIRED < WDF_FIRST_VERSION_SUPPORTING_CLIENT_VERSION_HIGHER_THAN_FRAMEWORK
#error "KMDF_MINIMUM_VERSION_REQUIRED is below 25"
#endif
#if KMDF_MINIMUM_VERSION_REQUIRED > KMDF_VERSION_MINOR
#error "KMDF_MINIMUM_VERSION_REQUIRED is above KMDF_VERSION_MINOR"
#endif
#endif

#if KMDF_VERSION_MINOR < WDF_FIRST_VERSION_SUPPORTING_CLIENT_VERSION_HIGHER_THAN_FRAMEWORK ||                                       \
    (defined(KMDF_MINIMUM_VERSION_REQUIRED) && KMDF_VERSION_MINOR == KMDF_MINIMUM_VERSION_REQUIRED) ||                              \
    !defined(KMDF_MINIMUM_VERSION_REQUIRED)
#ifndef WDF_EVERYTHING_ALWAYS_AVAILABLE
#define WDF_EVERYTHING_ALWAYS_AVAILABLE
#endif
#endif

extern BOOLEAN WdfClientVersionHigherThanFramework;
extern ULONG WdfFunctionCount;
extern ULONG WdfStructureCount;
extern WDF_STRUCT_INFO WdfStructures;

#ifndef WDF_STUB
#ifdef KMDF_MINIMUM_VERSION_REQUIRED
__declspec(selectany) ULONG WdfMinimumVersionRequired = KMDF_MINIMUM_VERSION_REQUIRED;
#else
__declspec(selectany) ULONG WdfMinimumVersionRequired = KMDF_VERSION_MINOR;
#endif
#endif

#define WDF_IS_FUNCTION_AVAILABLE(FunctionName)                                                                                     \
    (FunctionName##TableIndex < WDF_ALWAYS_AVAILABLE_FUNCTION_COUNT || !WdfClientVersionHigherThanFramework ||                      \
     FunctionName##TableIndex < WdfFunctionCount)
#define WDF_IS_STRUCTURE_AVAILABLE(StructName)                                                                                      \
    (!WdfClientVersionHigherThanFramework || INDEX_##StructName < WdfStructureCount)
#define WDF_IS_FIELD_AVAILABLE(StructName, FieldName)                                                                               \
    (!WdfClientVersionHigherThanFramework ||                                                                                        \
     (INDEX_##StructName < WdfStructureCount && FIELD_OFFSET(StructName, FieldName) < WdfStructures[INDEX_##StructName]))

#ifdef WDF_EVERYTHING_ALWAYS_AVAILABLE
#define WDF_STRUCTURE_SIZE(StructName) (ULONG)sizeof(StructName)
#else
#define WDF_STRUCTURE_SIZE(StructName)                                                                                              \
    (ULONG)(WdfClientVersionHigherThanFramework                                                                                     \
                ? (INDEX_##StructName < WdfStructureCount ? WdfStructures[INDEX_##StructName] : (size_t)-1)                         \
                : sizeof(StructName))
#endif

WDF_EXTERN_C_END

#endif
