/* The toolchain's header defines its GUIDs again at every inclusion, and windows.h includes it: with INITGUID that is once too often. */
#if !defined(IRPLAB_WINIOCTL_H) || (defined(INITGUID) && !defined(IRPLAB_WINIOCTL_GUIDS))
#define IRPLAB_WINIOCTL_H
#ifdef INITGUID
#define IRPLAB_WINIOCTL_GUIDS
#endif
#include_next <winioctl.h>
#endif
