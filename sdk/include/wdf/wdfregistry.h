/* Registry keys. */
#ifndef _WDFREGISTRY_H_
#define _WDFREGISTRY_H_

#include "wdfversion.h"

WDF_EXTERN_C_START
#include "calls/wdfregistry.h"
WDF_EXTERN_C_END

#endif
