/* Between device.c and sender.c. */
#ifndef DEVICE_H
#define DEVICE_H

VOID SendInitialize(VOID);
/* One sender at a time. */
NTSTATUS SendLocked(PDEVICE_OBJECT TargetDevice, ULONG ControlCode);
/* Where the thread must not be suspended or terminated. */
NTSTATUS SendInRegion(PDEVICE_OBJECT TargetDevice, ULONG ControlCode);

VOID CountRequest(VOID);

#endif
