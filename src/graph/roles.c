/* Routines whose arguments are more than numbers. The names are public interfaces of the kernel; function pointers and
 * failure statuses need no table: they are recognised in any argument of any call. */
#include "graph/arguments.h"

#include <string.h>

#include "nt/bugcheck.h"

static const struct {
    const char *name;
    uint8_t index, role;
} roles[] = {
    { "ExAllocatePool2", 2, GRAPH_ROLE_TAG },
    { "ExAllocatePool3", 2, GRAPH_ROLE_TAG },
    { "ExAllocatePoolWithQuotaTag", 2, GRAPH_ROLE_TAG },
    { "ExAllocatePoolWithTag", 2, GRAPH_ROLE_TAG },
    { "ExAllocatePoolWithTagPriority", 2, GRAPH_ROLE_TAG },
    { "ExFreePool2", 1, GRAPH_ROLE_TAG },
    { "ExFreePoolWithTag", 1, GRAPH_ROLE_TAG },
    { "ExInitializeNPagedLookasideList", 5, GRAPH_ROLE_TAG },
    { "ExInitializePagedLookasideList", 5, GRAPH_ROLE_TAG },
    { "ExInitializeLookasideListEx", 6, GRAPH_ROLE_TAG },
    { "IoAcquireRemoveLockEx", 1, GRAPH_ROLE_TAG },
    { "IoInitializeRemoveLockEx", 1, GRAPH_ROLE_TAG },
    { "IoReleaseRemoveLockEx", 1, GRAPH_ROLE_TAG },
    { "IoReleaseRemoveLockAndWaitEx", 1, GRAPH_ROLE_TAG },
    { "KeBugCheck", 0, GRAPH_ROLE_BUGCHECK },
    { "KeBugCheckEx", 0, GRAPH_ROLE_BUGCHECK },
    { "MmAllocateMappingAddress", 1, GRAPH_ROLE_TAG },
    { "MmFreeMappingAddress", 1, GRAPH_ROLE_TAG },
    { "ObDereferenceObjectDeferDeleteWithTag", 1, GRAPH_ROLE_TAG },
    { "ObfDereferenceObjectWithTag", 1, GRAPH_ROLE_TAG },
    { "ObfReferenceObjectWithTag", 1, GRAPH_ROLE_TAG },
    { "RtlNtStatusToDosError", 0, GRAPH_ROLE_STATUS },
    { "RtlRaiseStatus", 0, GRAPH_ROLE_STATUS },
    { "ExRaiseStatus", 0, GRAPH_ROLE_STATUS },
};

enum graph_role graph_role_of(const char *routine, unsigned index)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (roles[i].index == index && strcmp(roles[i].name, routine) == 0)
            return roles[i].role;
    return GRAPH_ROLE_NONE;
}

unsigned graph_arity_of(const char *routine)
{
    size_t low = 0, high = graph_arity_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(graph_arities[mid].name, routine);
        if (order == 0)
            return graph_arities[mid].count;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return GRAPH_ANY_ARGUMENTS;
}

const char *graph_bugcheck_name(uint32_t code)
{
    static const struct {
        uint32_t code;
        const char *name;
    } more[] = {
#define X(code, name) { code, #name },
#include "graph/bugchecks.def"
#undef X
    };
    const char *name = nt_bugcheck_name(code);
    if (strcmp(name, "unknown") != 0)
        return name;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        if (more[i].code == code)
            return more[i].name;
    return NULL;
}
