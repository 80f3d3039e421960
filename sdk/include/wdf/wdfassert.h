/* WDFVERIFY: live when the driver's parameters say VerifyOn. */
#ifndef _WDFASSERT_H_
#define _WDFASSERT_H_

#include "wdfversion.h"

#if !defined(WDFASSERT_ACTION)
#define WDFCASSERT(c) extern char irplab_wdf_assert[(c) ? 1 : -1]
#endif

#define WDFVERIFY(exp)                                                                                                              \
    {                                                                                                                               \
        if ((WdfDriverGlobals->DriverFlags & WdfVerifyOn) && !(exp)) {                                                              \
            WdfVerifierDbgBreakPoint();                                                                                             \
        }                                                                                                                           \
    }

#define VERIFY_IS_IRQL_PASSIVE_LEVEL() WDFVERIFY(KeGetCurrentIrql() == PASSIVE_LEVEL)

#endif
