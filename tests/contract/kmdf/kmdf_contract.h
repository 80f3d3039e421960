/* The driver's half of a KMDF contract test: a non-PnP driver with a control device; an area defines KmdfTests and KmdfTestCount. */
#ifndef KMDF_CONTRACT_H
#define KMDF_CONTRACT_H

#include <ntddk.h>
#include <wdf.h>
#include "contract.h"

#define KMDF_TAG 'dmKC'

typedef struct _CONTRACT {
    ULONG Failures;
    ULONG Used;
    CHAR Text[CONTRACT_TEXT];
} CONTRACT, *PCONTRACT;

typedef struct _KMDF_TEST {
    PCSTR Name;
    VOID (*Run)(PCONTRACT t);
} KMDF_TEST;

extern const KMDF_TEST KmdfTests[];
extern const ULONG KmdfTestCount;

extern WDFDRIVER KmdfDriver;
extern WDFDEVICE KmdfDevice; /* the control device that the program opens */
extern WDFREQUEST KmdfRequest; /* that runs the test */

/* Another control device of this driver, \Device\NAME, with one default queue. */
NTSTATUS KmdfPeerCreate(PCUNICODE_STRING Name, PWDF_IO_QUEUE_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDEVICE *Device, WDFQUEUE *Queue);

VOID ContractFail(PCONTRACT t, ULONG Line, PCSTR What);
VOID ContractFailValues(PCONTRACT t, ULONG Line, PCSTR What, ULONG64 Is, ULONG64 Expected);

/* A check that fails is noted, and the test goes on. */
#define CHECK(condition) ((condition) ? (void)0 : ContractFail(t, __LINE__, #condition))
#define CHECK_EQ(is, expected)                                                                          \
    do {                                                                                                \
        ULONG64 is_ = (ULONG64)(is), expected_ = (ULONG64)(expected);                                   \
        if (is_ != expected_)                                                                           \
            ContractFailValues(t, __LINE__, #is, is_, expected_);                                       \
    } while (0)
#define CHECK_STATUS(is, expected) CHECK_EQ((ULONG)(is), (ULONG)(expected))

static __inline VOID KmdfSleep(LONG Ms)
{
    LARGE_INTEGER time;
    time.QuadPart = -(LONGLONG)Ms * 10000;
    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

#endif
