/* The Kernel-Mode Driver Framework, as drivers see it. Names, values and layouts are those of Microsoft's documentation and
 * public headers; the text is this project's. USB targets are in wdfusb.h, which sources include by themselves. */
#ifndef _WDF_H_
#define _WDF_H_

#if defined(__clang__)
#pragma clang system_header
#endif

#include "wdfversion.h"
#ifndef _Dispatch_type_
#include <driverspecs.h>
#endif

WDF_EXTERN_C_START

typedef VOID (*WDFFUNC)(VOID);
#if WDF_TABLE_IS_POINTER
extern const WDFFUNC *WdfFunctions;
#else
extern WDFFUNC WdfFunctions[];
#endif
extern WDFFUNC WdfDriverMiniportUnloadOverride;

#include "wdftypes.h"
#include "wdfglobals.h"
#include "wdffuncenum.h"
#include "wdfavailable.h"
#include "wdfstatus.h"
#include "wdfassert.h"
#include "wdfverifier.h"
#include "wdfpool.h"

#include "wdfobject.h"
#include "wdfsync.h"
#include "wdfcore.h"
#include "wdfdriver.h"

#include "wdfqueryinterface.h"
#include "wdfmemory.h"
#include "wdfchildlist.h"
#include "wdffileobject.h"
#include "wdfdevice.h"
#include "wdfcollection.h"
#include "wdfdpc.h"
#include "wdftimer.h"
#include "wdfworkitem.h"
#include "wdfinterrupt.h"
#include "wdfresource.h"

#include "wdfrequest.h"
#include "wdfiotarget.h"
#include "wdfio.h"

#include "wdffdo.h"
#include "wdfpdo.h"
#include "wdfcontrol.h"

#include "wdfwmi.h"
#include "wdfstring.h"
#include "wdfregistry.h"

#include "wdfdmaenabler.h"
#include "wdfdmatransaction.h"
#include "wdfcommonbuffer.h"

#include "wdfbugcodes.h"
#include "wdfroletypes.h"
#include "wdfhwaccess.h"
#include "wdfcompaniontarget.h"

WDF_EXTERN_C_END

#endif
