/* What was opened. */
#ifndef _WDFFILEOBJECT_H_
#define _WDFFILEOBJECT_H_

#include "wdfversion.h"

WDF_EXTERN_C_START
#include "calls/wdffileobject.h"
WDF_EXTERN_C_END

#endif
