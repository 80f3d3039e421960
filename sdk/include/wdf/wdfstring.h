/* Strings as objects. */
#ifndef _WDFSTRING_H_
#define _WDFSTRING_H_

#include "wdfversion.h"

WDF_EXTERN_C_START
#include "calls/wdfstring.h"
WDF_EXTERN_C_END

#endif
