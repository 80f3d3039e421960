/* What WDFLDR.SYS and its library say to each other, and to the stub in a client. Facts: the public fxldr.h. */
#ifndef WDFLDR_H
#define WDFLDR_H

#include <ntddk.h>

#ifndef IRPLAB_WDF_BIND_TYPES
typedef struct { ULONG Major, Minor, Build; } LDR_VERSION;

typedef struct {
    ULONG Size;
    PWCHAR Component;
    LDR_VERSION Version;
    ULONG FuncCount;
    PVOID FuncTable; /* FuncCount <= 438: the array; more: address of a pointer to one */
    PVOID Module; /* the loader's */
} LDR_BIND_INFO;

typedef struct {
    LDR_BIND_INFO V1;
    ULONG *MinimumVersionRequired;
    UCHAR *ClientVersionHigherThanFramework;
    ULONG *FuncCountPtr, *StructCountPtr;
    PVOID StructTable;
} LDR_BIND_INFO2;

typedef struct {
    ULONG Size;
    UNICODE_STRING *RegistryPath;
    DRIVER_OBJECT *DriverObject;
} LDR_CLIENT_INFO;

typedef struct {
    ULONG Size;
    NTSTATUS (*Commission)(void);
    NTSTATUS (*Decommission)(void);
    NTSTATUS (*RegisterClient)(LDR_BIND_INFO *info, PVOID *globals, PVOID *context);
    NTSTATUS (*UnregisterClient)(LDR_BIND_INFO *info, PVOID globals);
    LDR_VERSION Version;
} LDR_LIBRARY_INFO;

typedef struct {
    GUID *InterfaceType;
    ULONG InterfaceSize;
} LDR_INTERFACE_HEADER;
#endif

C_ASSERT(sizeof(LDR_BIND_INFO) == 0x30);
C_ASSERT(sizeof(LDR_BIND_INFO2) == 0x58);
C_ASSERT(sizeof(LDR_LIBRARY_INFO) == 0x38);
C_ASSERT(sizeof(LDR_CLIENT_INFO) == 0x18);

#endif
