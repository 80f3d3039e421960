/* The driver's half of a contract test: an area defines ContractArea, the rest is here. */
#ifndef CONTRACT_DRIVER_H
#define CONTRACT_DRIVER_H

#include <ntifs.h>
#include "contract.h"

#define CONTRACT_TAG 'rtnC'

typedef struct _CONTRACT {
    ULONG Failures;
    ULONG Used;
    PDEVICE_OBJECT Device; /* the area's control device */
    CHAR Text[CONTRACT_TEXT];
} CONTRACT, *PCONTRACT;

typedef struct _CONTRACT_TEST {
    PCSTR Name;
    VOID (*Run)(PCONTRACT t);
} CONTRACT_TEST;

typedef struct _CONTRACT_AREA {
    const CONTRACT_TEST *Tests;
    ULONG Count;
    NTSTATUS (*Setup)(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath);
    VOID (*Teardown)(PDRIVER_OBJECT DriverObject);
    PDRIVER_DISPATCH Other; /* requests that are none of the tests; without it they are invalid */
} CONTRACT_AREA;

extern const CONTRACT_AREA ContractArea;

VOID ContractFail(PCONTRACT t, ULONG Line, PCSTR What);
VOID ContractFailValues(PCONTRACT t, ULONG Line, PCSTR What, ULONG64 Is, ULONG64 Expected);
NTSTATUS ContractDefault(PIRP Irp); /* opens and closes succeed, the rest is invalid */
NTSTATUS ContractComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

/* A check that fails is noted, and the test goes on. */
#define CHECK(condition) ((condition) ? (void)0 : ContractFail(t, __LINE__, #condition))
#define CHECK_EQ(is, expected)                                                                          \
    do {                                                                                                \
        ULONG64 is_ = (ULONG64)(is), expected_ = (ULONG64)(expected);                                   \
        if (is_ != expected_)                                                                           \
            ContractFailValues(t, __LINE__, #is, is_, expected_);                                       \
    } while (0)
/* Statuses are 32 bits wide whatever they came from. */
#define CHECK_STATUS(is, expected) CHECK_EQ((ULONG)(is), (ULONG)(expected))

/* The time that many milliseconds from now, for waits. */
static __inline LARGE_INTEGER ContractMs(LONG Ms)
{
    LARGE_INTEGER time;
    time.QuadPart = -(LONGLONG)Ms * 10000;
    return time;
}

#endif
