/* The ntifs.h level, with the undocumented APC calls declared by the source itself, as public sources do. */
#include <ntifs.h>

typedef enum _KAPC_ENVIRONMENT {
    OriginalApcEnvironment,
    AttachedApcEnvironment,
    CurrentApcEnvironment,
    InsertApcEnvironment
} KAPC_ENVIRONMENT;

typedef VOID (NTAPI *PKNORMAL_ROUTINE_)(PVOID NormalContext, PVOID Argument1, PVOID Argument2);
typedef VOID (NTAPI *PKKERNEL_ROUTINE_)(PKAPC Apc, PKNORMAL_ROUTINE_ *Normal, PVOID *Context, PVOID *Argument1,
                                        PVOID *Argument2);
typedef VOID (NTAPI *PKRUNDOWN_ROUTINE_)(PKAPC Apc);

NTKERNELAPI VOID NTAPI KeInitializeApc(PKAPC Apc, PKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                                       PKKERNEL_ROUTINE_ KernelRoutine, PKRUNDOWN_ROUTINE_ RundownRoutine,
                                       PKNORMAL_ROUTINE_ NormalRoutine, KPROCESSOR_MODE Mode, PVOID Context);
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueApc(PKAPC Apc, PVOID Argument1, PVOID Argument2, KPRIORITY Increment);

DRIVER_INITIALIZE DriverEntry;

static VOID NTAPI KernelPart(PKAPC Apc, PKNORMAL_ROUTINE_ *Normal, PVOID *Context, PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Normal);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    ExFreePool(Apc);
}

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    PKAPC apc = (PKAPC)ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(KAPC), 'cpA ');
    KEVENT event;
    LARGE_INTEGER timeout;
    IO_STATUS_BLOCK block;

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    if (!apc) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeInitializeApc(apc, KeGetCurrentThread(), OriginalApcEnvironment, KernelPart, NULL, NULL, KernelMode, NULL);
    if (!KeInsertQueueApc(apc, NULL, NULL, IO_NO_INCREMENT)) {
        ExFreePool(apc);
    }
    KeInitializeEvent(&event, NotificationEvent, TRUE);
    timeout.QuadPart = 0;
    FsRtlEnterFileSystem();
    FsRtlCancellableWaitForSingleObject(&event, &timeout, NULL);
    FsRtlExitFileSystem();
    return ZwCancelSynchronousIoFile(ZwCurrentThread(), NULL, &block);
}
