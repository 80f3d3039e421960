/* The processor group compatibility library: what it gives drivers for systems before Windows 7 is in every later kernel. */
#ifndef _PROCGRP_H
#define _PROCGRP_H

#include <wdm.h>

#ifdef __cplusplus
extern "C" {
#endif

static __inline VOID WdmlibProcgrpInitialize(VOID)
{
}

#ifdef __cplusplus
}
#endif

#endif
