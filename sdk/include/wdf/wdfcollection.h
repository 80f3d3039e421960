/* Ordered sets of objects. */
#ifndef _WDFCOLLECTION_H_
#define _WDFCOLLECTION_H_

#include "wdfversion.h"

WDF_EXTERN_C_START
#include "calls/wdfcollection.h"
WDF_EXTERN_C_END

#endif
