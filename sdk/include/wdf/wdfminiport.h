/* The framework under another port driver: devices that it did not create. Sources include this by themselves. */
#ifndef _WDFMINIPORT_H_
#define _WDFMINIPORT_H_

#include "wdfversion.h"

WDF_EXTERN_C_START
#include "calls/wdfminiport.h"
WDF_EXTERN_C_END

#endif
