/* Names of major and minor functions, as views and reports print them. */
#ifndef IRPLAB_NT_IRP_NAMES_H
#define IRPLAB_NT_IRP_NAMES_H

#include "nt/types.h"

/* "IRP_MJ_READ"; "IRP_MJ_???" for a code beyond IRP_MJ_MAXIMUM_FUNCTION. Never NULL. */
const char *nt_major_name(UCHAR major);

/* "IRP_MN_START_DEVICE"; "" where the major function has no minor codes or this one has no name. Never NULL. */
const char *nt_minor_name(UCHAR major, UCHAR minor);

#endif
