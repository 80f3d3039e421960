/* Pool as it is asked for today, with the opt-ins that keep a driver running on older kernels. */
#define POOL_NX_OPTIN 1
#define POOL_ZERO_DOWN_LEVEL_SUPPORT 1
#include <ntddk.h>

#define TAG 'looP'

DRIVER_INITIALIZE DriverEntry;

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath)
{
    POOL_EXTENDED_PARAMETER parameter = {0};
    PVOID blocks[8];
    const ULONG unused = 0;

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    UNREFERENCED_PARAMETER(unused);
    ExInitializeDriverRuntime(DrvRtPoolNxOptIn);
    parameter.Type = PoolExtendedParameterPriority;
    parameter.Priority = NormalPoolPriority;
    blocks[0] = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG);
    blocks[1] = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_UNINITIALIZED, 100, TAG);
    blocks[2] = ExAllocatePool3(POOL_FLAG_NON_PAGED, 100, TAG, &parameter, 1);
    blocks[3] = ExAllocatePoolZero(NonPagedPool, 100, TAG);
    blocks[4] = ExAllocatePoolUninitialized(NonPagedPoolNx, 100, TAG);
    blocks[5] = ExAllocatePoolQuotaZero(PagedPool, 100, TAG);
    blocks[6] = ExAllocatePoolWithTag(NonPagedPool, 100, TAG);
    blocks[7] = ExAllocatePoolWithQuotaTag((POOL_TYPE)(PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE), 100, TAG);
    for (ULONG i = 0; i < ARRAYSIZE(blocks); i++) {
        if (blocks[i]) {
            ExFreePoolWithTag(blocks[i], TAG);
        }
    }
    return STATUS_SUCCESS;
}
