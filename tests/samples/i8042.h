/* The interface by which programs find what the class driver of i8042_class.c has on top. */
#ifndef SAMPLES_I8042_H
#define SAMPLES_I8042_H

#include <initguid.h>
/* {2B3C1B4D-7A60-4F0B-9C5E-11E1C0C8D5A1} */
DEFINE_GUID(GUID_PS2_CLASS, 0x2b3c1b4d, 0x7a60, 0x4f0b, 0x9c, 0x5e, 0x11, 0xe1, 0xc0, 0xc8, 0xd5, 0xa1);

#endif
