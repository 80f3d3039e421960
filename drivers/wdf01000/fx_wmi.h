/* What the files of WMI share: providers, which are blocks of data, and their instances. */
#ifndef FX_WMI_H
#define FX_WMI_H

#include "fx.h"

#include <wmistr.h>

typedef struct {
    FxObject O;
    LIST_ENTRY Entry; /* device's WmiProviders */
    LIST_ENTRY Instances; /* both lists under the device's WmiLock */
    WDF_WMI_PROVIDER_CONFIG C;
    ULONG Count; /* of registered instances */
    ULONGLONG TraceHandle;
    BOOLEAN EventsEnabled, InstancesEnabled, Remove; /* Remove: the last instance has gone, of which WMI is told once */
} FxWmiProvider;

typedef struct {
    FxObject O;
    LIST_ENTRY Entry;
    FxWmiProvider *Provider;
    WDF_WMI_INSTANCE_CONFIG C;
    BOOLEAN Registered;
    PVOID Context; /* UseContextForQuery */
    SIZE_T ContextSize;
    BOOLEAN Own; /* the framework's: power_wmi.c */
} FxWmiInstance;

NTSTATUS FxWmiMakeOwn(FxDevice *d, PWDF_WMI_PROVIDER_CONFIG c, FxWmiInstance **out);
void FxWmiSetRegistered(FxWmiInstance *i, BOOLEAN registered); /* WMI hears of it */
BOOLEAN FxPowerWmiGet(FxWmiInstance *i);
void FxPowerWmiSet(FxWmiInstance *i, BOOLEAN on);

#endif
