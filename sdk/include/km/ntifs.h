/* ntifs.h over the toolchain's. */
#ifndef IRPLAB_KM_NTIFS_H
#define IRPLAB_KM_NTIFS_H

#if defined(__clang__)
#pragma clang system_header
#endif

#include_next <ntifs.h>

#ifdef __cplusplus
extern "C" {
#endif

NTSYSAPI NTSTATUS NTAPI ZwCancelIoFileEx(HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                                         PIO_STATUS_BLOCK IoStatusBlock);
NTSYSAPI NTSTATUS NTAPI ZwCancelSynchronousIoFile(HANDLE ThreadHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                                                  PIO_STATUS_BLOCK IoStatusBlock);

NTKERNELAPI NTSTATUS NTAPI PsGetThreadExitStatus(PETHREAD Thread);

#ifdef __cplusplus
}
#endif

#endif
