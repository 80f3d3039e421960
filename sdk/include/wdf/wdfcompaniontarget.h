/* The target that reaches a driver's companion in user mode. */
#ifndef _WDFCOMPANIONTARGET_H_
#define _WDFCOMPANIONTARGET_H_

#include "wdfversion.h"

WDF_EXTERN_C_START

typedef enum _WDF_TASK_SEND_OPTIONS_FLAGS {
    WDF_TASK_SEND_OPTION_TIMEOUT = 0x00000001,
    WDF_TASK_SEND_OPTION_SYNCHRONOUS = 0x00000002,
} WDF_TASK_SEND_OPTIONS_FLAGS;

typedef struct _WDF_TASK_SEND_OPTIONS {
    ULONG Size;
    ULONG Flags; /* WDF_TASK_SEND_OPTIONS_FLAGS */
    LONGLONG Timeout;
} WDF_TASK_SEND_OPTIONS, *PWDF_TASK_SEND_OPTIONS;

FORCEINLINE VOID WDF_TASK_SEND_OPTIONS_INIT(PWDF_TASK_SEND_OPTIONS Options, ULONG Flags)
{
    RtlZeroMemory(Options, sizeof(WDF_TASK_SEND_OPTIONS));
    Options->Size = WDF_STRUCTURE_SIZE(WDF_TASK_SEND_OPTIONS);
    Options->Flags = Flags;
}

FORCEINLINE VOID WDF_TASK_SEND_OPTIONS_SET_TIMEOUT(PWDF_TASK_SEND_OPTIONS Options, LONGLONG Timeout)
{
    Options->Flags |= WDF_TASK_SEND_OPTION_TIMEOUT;
    Options->Timeout = Timeout;
}

#include "calls/wdfcompanion.h"

WDF_EXTERN_C_END

#endif
