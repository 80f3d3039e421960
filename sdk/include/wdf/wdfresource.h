/* Lists of hardware resources. */
#ifndef _WDFRESOURCE_H_
#define _WDFRESOURCE_H_

#include "wdfversion.h"

WDF_EXTERN_C_START
#include "calls/wdfresource.h"
WDF_EXTERN_C_END

#endif
