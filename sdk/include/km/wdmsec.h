/* Secure creation of named devices: a static library (sdk/wdmsec), as in the WDK. */
#ifndef IRPLAB_KM_WDMSEC_H
#define IRPLAB_KM_WDMSEC_H

#include <wdm.h>
#include_next <wdmsec.h>

/* Same contents as the string the inner header leaves out. */
extern const UNICODE_STRING SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RW;
extern const UNICODE_STRING SDDL_DEVOBJ_SYS_ALL_ADM_RWX_WORLD_RWX;

#undef SDDL_DEVOBJ_INF_SUPPLIED
#define SDDL_DEVOBJ_INF_SUPPLIED SDDL_DEVOBJ_KERNEL_ONLY

#endif
