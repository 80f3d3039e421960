/* The battery class driver (battc.sys), as its miniports see it: the toolchain's, and the registration of version 1.1. */
#include <poclass.h>
#include_next <batclass.h>

#ifndef IRPLAB_KM_BATCLASS_H
#define IRPLAB_KM_BATCLASS_H

#define BATTERY_CLASS_MINOR_VERSION_1 0x0001

typedef struct {
    USHORT MajorVersion;
    USHORT MinorVersion;
    PVOID Context;
    BCLASS_QUERY_TAG QueryTag;
    BCLASS_QUERY_INFORMATION QueryInformation;
    BCLASS_SET_INFORMATION SetInformation;
    BCLASS_QUERY_STATUS QueryStatus;
    BCLASS_SET_STATUS_NOTIFY SetStatusNotify;
    BCLASS_DISABLE_STATUS_NOTIFY DisableStatusNotify;
    PDEVICE_OBJECT Pdo;
    PUNICODE_STRING DeviceName;
    PDEVICE_OBJECT Fdo;
} BATTERY_MINIPORT_INFO_V1_1, *PBATTERY_MINIPORT_INFO_V1_1;

#endif
