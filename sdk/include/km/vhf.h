/* The Virtual HID Framework (vhf.sys). Names and fields are those of Microsoft's documentation; the text is this project's. */
#ifndef _VHF_H_
#define _VHF_H_

#if defined(__clang__)
#pragma clang system_header
#endif

#include <hidclass.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef PVOID VHFHANDLE;
typedef PVOID VHFOPERATIONHANDLE;

typedef VOID EVT_VHF_READY_FOR_NEXT_READ_REPORT(PVOID VhfClientContext);
typedef EVT_VHF_READY_FOR_NEXT_READ_REPORT *PEVT_VHF_READY_FOR_NEXT_READ_REPORT;
typedef VOID EVT_VHF_ASYNC_OPERATION(PVOID VhfClientContext, VHFOPERATIONHANDLE VhfOperationHandle, PVOID VhfOperationContext, PHID_XFER_PACKET HidTransferPacket);
typedef EVT_VHF_ASYNC_OPERATION *PEVT_VHF_ASYNC_OPERATION;
typedef VOID EVT_VHF_CLEANUP(PVOID VhfClientContext);
typedef EVT_VHF_CLEANUP *PEVT_VHF_CLEANUP;

typedef struct _VHF_CONFIG {
    ULONG Size;
    PVOID VhfClientContext;
    ULONG OperationContextSize;
#ifdef _KERNEL_MODE
    PDEVICE_OBJECT DeviceObject;
#else
    HANDLE FileHandle;
#endif
    USHORT VendorID;
    USHORT ProductID;
    USHORT VersionNumber;
    GUID ContainerID;
    USHORT InstanceIDLength;
    PWSTR InstanceID;
    USHORT ReportDescriptorLength;
    PUCHAR ReportDescriptor;
    PEVT_VHF_READY_FOR_NEXT_READ_REPORT EvtVhfReadyForNextReadReport;
    PEVT_VHF_ASYNC_OPERATION EvtVhfAsyncOperationGetFeature;
    PEVT_VHF_ASYNC_OPERATION EvtVhfAsyncOperationSetFeature;
    PEVT_VHF_ASYNC_OPERATION EvtVhfAsyncOperationWriteReport;
    PEVT_VHF_ASYNC_OPERATION EvtVhfAsyncOperationGetInputReport;
    PEVT_VHF_CLEANUP EvtVhfCleanup;
    USHORT HardwareIDsLength;
    PWSTR HardwareIDs;
} VHF_CONFIG, *PVHF_CONFIG;

#ifdef _KERNEL_MODE
FORCEINLINE VOID VHF_CONFIG_INIT(PVHF_CONFIG Config, PDEVICE_OBJECT DeviceObject, USHORT ReportDescriptorLength, PUCHAR ReportDescriptor)
{
    RtlZeroMemory(Config, sizeof *Config);
    Config->Size = sizeof *Config;
    Config->DeviceObject = DeviceObject;
    Config->ReportDescriptorLength = ReportDescriptorLength;
    Config->ReportDescriptor = ReportDescriptor;
}
#endif

NTSTATUS NTAPI VhfCreate(PVHF_CONFIG VhfConfig, VHFHANDLE *VhfHandle);
NTSTATUS NTAPI VhfStart(VHFHANDLE VhfHandle);
VOID NTAPI VhfDelete(VHFHANDLE VhfHandle, BOOLEAN Wait);
NTSTATUS NTAPI VhfReadReportSubmit(VHFHANDLE VhfHandle, PHID_XFER_PACKET HidTransferPacket);
NTSTATUS NTAPI VhfAsyncOperationComplete(VHFOPERATIONHANDLE VhfOperationHandle, NTSTATUS CompletionStatus);

#ifdef __cplusplus
}
#endif

#endif
