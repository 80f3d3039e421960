/* Registers and ports under the names that user mode drivers share: in the kernel, those of the HAL. */
#ifndef _WDFHWACCESS_H_
#define _WDFHWACCESS_H_

#include "wdfversion.h"

WDF_EXTERN_C_START

#define WDF_IRPLAB_ACCESS(what, type, read, write)                                                                                  \
    FORCEINLINE type WDF_READ_##what(WDFDEVICE Device, type *Location)                                                              \
    {                                                                                                                               \
        UNREFERENCED_PARAMETER(Device);                                                                                             \
        return read(Location);                                                                                                      \
    }                                                                                                                               \
    FORCEINLINE VOID WDF_WRITE_##what(WDFDEVICE Device, type *Location, type Value)                                                 \
    {                                                                                                                               \
        UNREFERENCED_PARAMETER(Device);                                                                                             \
        write(Location, Value);                                                                                                     \
    }

#define WDF_IRPLAB_ACCESS_BUFFER(what, type, read, write)                                                                           \
    FORCEINLINE VOID WDF_READ_##what(WDFDEVICE Device, type *Location, type *Buffer, ULONG Count)                                   \
    {                                                                                                                               \
        UNREFERENCED_PARAMETER(Device);                                                                                             \
        read(Location, Buffer, Count);                                                                                              \
    }                                                                                                                               \
    FORCEINLINE VOID WDF_WRITE_##what(WDFDEVICE Device, type *Location, type *Buffer, ULONG Count)                                  \
    {                                                                                                                               \
        UNREFERENCED_PARAMETER(Device);                                                                                             \
        write(Location, Buffer, Count);                                                                                             \
    }

WDF_IRPLAB_ACCESS(PORT_UCHAR, UCHAR, READ_PORT_UCHAR, WRITE_PORT_UCHAR)
WDF_IRPLAB_ACCESS(PORT_USHORT, USHORT, READ_PORT_USHORT, WRITE_PORT_USHORT)
WDF_IRPLAB_ACCESS(PORT_ULONG, ULONG, READ_PORT_ULONG, WRITE_PORT_ULONG)
WDF_IRPLAB_ACCESS_BUFFER(PORT_BUFFER_UCHAR, UCHAR, READ_PORT_BUFFER_UCHAR, WRITE_PORT_BUFFER_UCHAR)
WDF_IRPLAB_ACCESS_BUFFER(PORT_BUFFER_USHORT, USHORT, READ_PORT_BUFFER_USHORT, WRITE_PORT_BUFFER_USHORT)
WDF_IRPLAB_ACCESS_BUFFER(PORT_BUFFER_ULONG, ULONG, READ_PORT_BUFFER_ULONG, WRITE_PORT_BUFFER_ULONG)
WDF_IRPLAB_ACCESS(REGISTER_UCHAR, UCHAR, READ_REGISTER_UCHAR, WRITE_REGISTER_UCHAR)
WDF_IRPLAB_ACCESS(REGISTER_USHORT, USHORT, READ_REGISTER_USHORT, WRITE_REGISTER_USHORT)
WDF_IRPLAB_ACCESS(REGISTER_ULONG, ULONG, READ_REGISTER_ULONG, WRITE_REGISTER_ULONG)
WDF_IRPLAB_ACCESS_BUFFER(REGISTER_BUFFER_UCHAR, UCHAR, READ_REGISTER_BUFFER_UCHAR, WRITE_REGISTER_BUFFER_UCHAR)
WDF_IRPLAB_ACCESS_BUFFER(REGISTER_BUFFER_USHORT, USHORT, READ_REGISTER_BUFFER_USHORT, WRITE_REGISTER_BUFFER_USHORT)
WDF_IRPLAB_ACCESS_BUFFER(REGISTER_BUFFER_ULONG, ULONG, READ_REGISTER_BUFFER_ULONG, WRITE_REGISTER_BUFFER_ULONG)

WDF_EXTERN_C_END

#endif
