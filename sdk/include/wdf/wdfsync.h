/* Locks. The framework's own callback locks are taken through WdfObjectAcquireLock. */
#ifndef _WDFSYNC_H_
#define _WDFSYNC_H_

#include "wdfversion.h"

WDF_EXTERN_C_START
#include "calls/wdfsync.h"
WDF_EXTERN_C_END

#endif
