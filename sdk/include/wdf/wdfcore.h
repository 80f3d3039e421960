/* Small helpers: times relative and absolute, strings. */
#ifndef _WDFCORE_H_
#define _WDFCORE_H_

#include "wdfversion.h"

WDF_EXTERN_C_START

#ifndef WDF_ARRAY_SIZE
#define WDF_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

#define WDF_PTR_ADD_OFFSET_TYPE(_ptr, _offset, _type) ((_type)((PUCHAR)(_ptr) + (_offset)))
#define WDF_PTR_ADD_OFFSET(_ptr, _offset) WDF_PTR_ADD_OFFSET_TYPE(_ptr, _offset, PVOID)

#define WDF_ALIGN_SIZE_DOWN(_length, _alignTo) ((_length) & ~((size_t)(_alignTo)-1))

#define WDF_TIMEOUT_TO_SEC ((LONGLONG)1 * 10 * 1000 * 1000)
#define WDF_TIMEOUT_TO_MS ((LONGLONG)1 * 10 * 1000)
#define WDF_TIMEOUT_TO_US ((LONGLONG)1 * 10)

FORCEINLINE LONGLONG WDF_REL_TIMEOUT_IN_SEC(ULONGLONG Time) { return (LONGLONG)Time * -1 * WDF_TIMEOUT_TO_SEC; }
FORCEINLINE LONGLONG WDF_ABS_TIMEOUT_IN_SEC(ULONGLONG Time) { return (LONGLONG)Time * 1 * WDF_TIMEOUT_TO_SEC; }
FORCEINLINE LONGLONG WDF_REL_TIMEOUT_IN_MS(ULONGLONG Time) { return (LONGLONG)Time * -1 * WDF_TIMEOUT_TO_MS; }
FORCEINLINE LONGLONG WDF_ABS_TIMEOUT_IN_MS(ULONGLONG Time) { return (LONGLONG)Time * 1 * WDF_TIMEOUT_TO_MS; }
FORCEINLINE LONGLONG WDF_REL_TIMEOUT_IN_US(ULONGLONG Time) { return (LONGLONG)Time * -1 * WDF_TIMEOUT_TO_US; }
FORCEINLINE LONGLONG WDF_ABS_TIMEOUT_IN_US(ULONGLONG Time) { return (LONGLONG)Time * 1 * WDF_TIMEOUT_TO_US; }

FORCEINLINE size_t WDF_ALIGN_SIZE_UP(size_t Length, size_t AlignTo)
{
    return WDF_ALIGN_SIZE_DOWN(Length + AlignTo - 1, AlignTo);
}

#ifndef DECLARE_CONST_UNICODE_STRING
#define DECLARE_CONST_UNICODE_STRING(_variablename, _string)                                                                        \
    const WCHAR _variablename##_buffer[] = _string;                                                                                 \
    const UNICODE_STRING _variablename = {sizeof(_string) - sizeof(WCHAR), sizeof(_string), (PWCH)_variablename##_buffer}
#endif
#ifndef DECLARE_GLOBAL_CONST_UNICODE_STRING
#define DECLARE_GLOBAL_CONST_UNICODE_STRING(_variablename, _string)                                                                 \
    extern const __declspec(selectany) UNICODE_STRING _variablename = {sizeof(_string) - sizeof(WCHAR), sizeof(_string),            \
                                                                       (PWSTR)_string}
#endif
#ifndef DECLARE_UNICODE_STRING_SIZE
#define DECLARE_UNICODE_STRING_SIZE(_variablename, _size)                                                                           \
    WCHAR _variablename##_buffer[_size];                                                                                            \
    UNICODE_STRING _variablename = {0, (_size) * sizeof(WCHAR), _variablename##_buffer}
#endif

WDF_EXTERN_C_END

#endif
