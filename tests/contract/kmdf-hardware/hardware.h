/* Between the parts of kmdf-hardware.sys. */
#include <ntddk.h>
#include <wdf.h>
#include "codes.h"

typedef struct _HARDWARE {
    ULONG Failed;
    WDFINTERRUPT Interrupt[4]; /* message 0, message 1, the line (at passive level), one without a resource */
    LONG Isrs[4], Dpcs, Works[4], Enabled[4];
    WDFSPINLOCK SpinLock;
    WDFWAITLOCK WaitLock;
    ULONG Added, RemovedAdded, Filtered;
} HARDWARE, *PHARDWARE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(HARDWARE, HardwareOf)

VOID Check(WDFDEVICE Device, BOOLEAN Good, PCSTR File, ULONG Line);
#define CHECK(d, x) Check(d, (x) != 0, __FILE__, __LINE__)
NTSTATUS SendToSelf(WDFDEVICE Device, UCHAR Major, UCHAR Minor, PVOID a, PVOID b, PVOID c, PVOID e, PULONG_PTR Information);

VOID RequirementsSetUp(PWDFDEVICE_INIT Init);
VOID RequirementsRun(WDFDEVICE Device);
