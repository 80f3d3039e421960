/* The stop list of text trees: run-time helpers, locks, waits, pool, objects, tracing. Names of public interfaces. */
#include "graph/tree.h"

#include <string.h>

static const char *const prefixes[] = { "mem", "str", "wcs", "_str", "_wcs", "Rtl", "KeWait", "ExAllocatePool", "ExFreePool",
                                        "KeAcquire", "KeRelease", "Ob", "Ke386", "_security_", "guard_", "Etw", "DbgPrint",
                                        "ExAcquire", "ExRelease", "ExInterlocked", "KeBugCheck", "KiBugCheck", "vDbgPrint" };

static const char *const names[] = { "KeSetEvent", "KeResetEvent", "KeClearEvent", "KeInitializeEvent", "KeInitializeDpc",
                                     "KeInsertQueueDpc", "KeSetTimer", "KeSetTimerEx", "KeCancelTimer", "KeInitializeTimer",
                                     "KeInitializeTimerEx", "KeDelayExecutionThread", "KeLowerIrql", "KfRaiseIrql",
                                     "KzLowerIrql", "KeEnterCriticalRegion", "KeLeaveCriticalRegion", "IofCompleteRequest",
                                     "KiIdleLoop", "__chkstk", "_chkstk", "__GSHandlerCheck", "_C_specific_handler",
                                     "KeReadStateEvent", "KeQueryPerformanceCounter" };

bool graph_stop_listed(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t n = strlen(prefixes[i]);
        if (strncmp(name, prefixes[i], n) != 0)
            continue;
        /* memcpy and strlen, but not a driver's own MemoryMap or string_of: the run-time's names go on in lower case. */
        bool lower = prefixes[i][0] >= 'a' && prefixes[i][0] <= 'z';
        size_t more = strlen(name + n);
        return !lower || (more <= 8 && !strchr(name, '_')) || strncmp(prefixes[i], "guard_", 6) == 0;
    }
    return false;
}
