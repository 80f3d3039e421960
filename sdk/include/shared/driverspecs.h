/* Annotations of drivers: IRQL, locks, function roles. Nothing to the compiler. */
#ifndef IRPLAB_DRIVERSPECS_H
#define IRPLAB_DRIVERSPECS_H

#include_next <driverspecs.h>

#ifndef _Analysis_mode_
#define _Analysis_mode_(mode)
#endif

/* The argument is a macro (IRP_MJ_CREATE): it is dropped unexpanded. */
#define _Dispatch_type_(x)
#define _Dispatch_type_other_

#define _IRQL_is_cancel_
#define _IRQL_uses_cancel_
#define _IRQL_always_function_min_(x)
#define _IRQL_always_function_max_(x)
#define _IRQL_limited_to_(x)
#define _IRQL_restores_global_(kind, x)
#define _IRQL_saves_global_(kind, x)
#define _Kernel_clear_do_init_(x)
#define _Kernel_float_restored_
#define _Kernel_float_saved_
#define _Kernel_float_used_
#define _Kernel_requires_resource_held_(kind)
#define _Kernel_requires_resource_not_held_(kind)
#define _Kernel_acquires_resource_(kind)
#define _Kernel_releases_resource_(kind)
#define _Kernel_IoGetDmaAdapter_
#define _Kernel_clear_paging_bit_

#undef __drv_aliasesMem
#define __drv_aliasesMem
#define __drv_acquiresCancelSpinLock
#define __drv_acquiresCriticalRegion
#define __drv_acquiresExclusiveResource(kind)
#define __drv_acquiresExclusiveResourceGlobal(kind, x)
#define __drv_acquiresPriorityRegion
#define __drv_acquiresResource(kind)
#define __drv_acquiresResourceGlobal(kind, x)
#define __drv_allocatesMem(kind)
#define __drv_acceptsMem(kind)
#define __drv_callbackType(kind)
#define __drv_callbackTypeInlined(kind)
#define __drv_clearDoInit(x)
#define __drv_completionType(kind)
#define __drv_constant
#define __drv_declspec(x)
#define __drv_defined(x)
#define __drv_dispatchType_DRIVER_DISPATCH
#define __drv_floatRestored
#define __drv_floatSaved
#define __drv_floatUsed
#define __drv_fun(x)
#define __drv_functionClass(x)
#define __drv_group(x)
#define __drv_holdsCancelSpinLock()
#define __drv_inTry
#define __drv_notInTry
#define __drv_interlocked
#define __drv_isCancelIRQL
#define __drv_isObjectPointer
#define __drv_KMDF
#define __drv_maxFunctionIRQL(x)
#define __drv_minFunctionIRQL(x)
#define __drv_minIRQL(x)
#define __drv_mustHold(kind)
#define __drv_mustHoldCancelSpinLock
#define __drv_mustHoldCriticalRegion
#define __drv_mustHoldGlobal(kind, x)
#define __drv_mustHoldPriorityRegion
#define __drv_neverHold(kind)
#define __drv_neverHoldCancelSpinLock
#define __drv_neverHoldCriticalRegion
#define __drv_neverHoldGlobal(kind, x)
#define __drv_neverHoldPriorityRegion
#define __drv_nop(x)
#define __drv_notPointer
#define __drv_preferredFunction(f, why)
#define __drv_reportError(why)
#define __drv_releasesCancelSpinLock
#define __drv_releasesCriticalRegion
#define __drv_releasesExclusiveResource(kind)
#define __drv_releasesExclusiveResourceGlobal(kind, x)
#define __drv_releasesPriorityRegion
#define __drv_releasesResource(kind)
#define __drv_releasesResourceGlobal(kind, x)
#define __drv_ret(x)
#define __drv_sameIRQL
#define __drv_setsIRQLGlobal(x)
#define __drv_strictType(type, mode)
#define __drv_strictTypeMatch(mode)
#define __drv_typeBitset
#define __drv_typeConst
#define __drv_typeCond
#define __drv_typeExpr
#define __drv_unit_internal_kernel_driver
#define __drv_valueExpr
#define __drv_WDM
#define __drv_NDIS
#define __drv_innerAllocatesMem(x)

#define __drv_deref(x)
#define __internal_kernel_driver
#define __kernel_driver
#define __kernel_code
#define __user_code
#define __user_driver

#endif
