/* ntddk.h over the toolchain's: what only this level of Microsoft's header declares. */
#ifndef IRPLAB_KM_NTDDK_H
#define IRPLAB_KM_NTDDK_H

#if defined(__clang__)
#pragma clang system_header
#endif

/* The inner ntddk.h sets its marks before it includes wdm.h, and ours stands in between. */
#include_next <ntddk.h>

#ifdef __cplusplus
extern "C" {
#endif

#undef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(P) ((void)(P))
#undef DBG_UNREFERENCED_PARAMETER
#define DBG_UNREFERENCED_PARAMETER(P) ((void)(P))
#undef UNREFERENCED_LOCAL_VARIABLE
#define UNREFERENCED_LOCAL_VARIABLE(V) ((void)(V))

NTKERNELAPI NTSTATUS NTAPI KeExpandKernelStackAndCalloutEx(PEXPAND_STACK_CALLOUT Callout, PVOID Parameter,
                                                           SIZE_T Size, BOOLEAN Wait, PVOID Context);

#ifdef __cplusplus
}
#endif

#endif
