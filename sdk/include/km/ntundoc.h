/* Exports that Microsoft's headers do not declare, although public sources use them and declare them themselves.
 * They stand apart: declared in ntddk.h they would collide with those declarations. */
#ifndef IRPLAB_KM_NTUNDOC_H
#define IRPLAB_KM_NTUNDOC_H

#include <ntifs.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum _KAPC_ENVIRONMENT {
    OriginalApcEnvironment,
    AttachedApcEnvironment,
    CurrentApcEnvironment,
    InsertApcEnvironment
} KAPC_ENVIRONMENT;

typedef KNORMAL_ROUTINE *IRPLAB_PKNORMAL;
typedef KKERNEL_ROUTINE *IRPLAB_PKKERNEL;
typedef KRUNDOWN_ROUTINE *IRPLAB_PKRUNDOWN;

NTKERNELAPI VOID NTAPI KeInitializeApc(PRKAPC Apc, PKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                                       IRPLAB_PKKERNEL KernelRoutine, IRPLAB_PKRUNDOWN RundownRoutine,
                                       IRPLAB_PKNORMAL NormalRoutine, KPROCESSOR_MODE ApcMode, PVOID NormalContext);
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2,
                                           KPRIORITY Increment);
NTKERNELAPI BOOLEAN NTAPI KeRemoveQueueApc(PRKAPC Apc);
NTKERNELAPI BOOLEAN NTAPI KeTestAlertThread(KPROCESSOR_MODE AlertMode);
NTKERNELAPI BOOLEAN NTAPI KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode);
NTKERNELAPI VOID NTAPI KeGenericCallDpc(PKDEFERRED_ROUTINE Routine, PVOID Context);
NTKERNELAPI VOID NTAPI KeSignalCallDpcDone(PVOID SystemArgument1);
NTKERNELAPI LOGICAL NTAPI KeSignalCallDpcSynchronize(PVOID SystemArgument2);
NTKERNELAPI VOID NTAPI IoCancelThreadIo(PETHREAD Thread);

#ifdef __cplusplus
}
#endif

#endif
