#ifndef _WDFVERIFIER_H_
#define _WDFVERIFIER_H_

#include "wdfversion.h"

WDF_EXTERN_C_START
#include "calls/wdfverifier.h"
WDF_EXTERN_C_END

#endif
