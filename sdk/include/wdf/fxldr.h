/* How a driver's entry asks the loader (WDFLDR.SYS) for the framework. Layouts and names are those of the public fxldr.h. */
#ifndef _FXLDR_H_
#define _FXLDR_H_

typedef struct _WDF_COMPONENT_GLOBALS *PWDF_COMPONENT_GLOBALS; /* is the driver's WDF_DRIVER_GLOBALS */

typedef ULONG WDF_MAJOR_VERSION, WDF_MINOR_VERSION, WDF_BUILD_NUMBER;

typedef struct _WDF_VERSION {
    WDF_MAJOR_VERSION Major;
    WDF_MINOR_VERSION Minor;
    WDF_BUILD_NUMBER Build;
} WDF_VERSION, WDF_CLASS_VERSION;

typedef struct _WDF_BIND_INFO {
    ULONG Size;
    PWCHAR Component;
    WDF_VERSION Version;
    ULONG FuncCount;
    PVOID FuncTable; /* up to 438 functions: the array to fill; more: where to put the address of the framework's */
    PVOID Module; /* the loader's own */
} WDF_BIND_INFO, *PWDF_BIND_INFO;

/* From 1.25 on. V1.Size is that of the whole. */
typedef struct _WDF_BIND_INFO2 {
    WDF_BIND_INFO V1;
    PULONG MinimumVersionRequired;
    PUCHAR ClientVersionHigherThanFramework;
    PULONG FuncCountPtr;
    PULONG StructCountPtr;
    PVOID StructTable;
} WDF_BIND_INFO2, *PWDF_BIND_INFO2;

typedef struct _WDF_CLASS_BIND_INFO WDF_CLASS_BIND_INFO, *PWDF_CLASS_BIND_INFO;

typedef NTSTATUS (*PFN_WDF_CLASS_BIND)(PWDF_BIND_INFO BindInfo, PWDF_COMPONENT_GLOBALS *Globals, PWDF_CLASS_BIND_INFO ClassBindInfo);
typedef NTSTATUS (*PFN_WDF_CLIENT_BIND_CLASS)(PFN_WDF_CLASS_BIND Function, PWDF_BIND_INFO BindInfo, PWDF_COMPONENT_GLOBALS *Globals,
                                              PWDF_CLASS_BIND_INFO ClassInfo);
typedef VOID (*PFN_WDF_CLASS_UNBIND)(PWDF_BIND_INFO BindInfo, PWDF_COMPONENT_GLOBALS Globals, PWDF_CLASS_BIND_INFO ClassBindInfo);
typedef VOID (*PFN_WDF_CLIENT_UNBIND_CLASS)(PFN_WDF_CLASS_UNBIND Function, PWDF_BIND_INFO BindInfo, PWDF_COMPONENT_GLOBALS Globals,
                                            PWDF_CLASS_BIND_INFO ClassInfo);

struct _WDF_CLASS_BIND_INFO {
    ULONG Size;
    PWCHAR ClassName;
    WDF_CLASS_VERSION Version;
    PVOID *FunctionTable;
    ULONG FunctionTableCount;
    PVOID ClassBindInfo;
    PFN_WDF_CLIENT_BIND_CLASS ClientBindClass;
    PFN_WDF_CLIENT_UNBIND_CLASS ClientUnbindClass;
    PVOID ClassModule;
};

typedef struct _WDF_INTERFACE_HEADER {
    const GUID *InterfaceType;
    ULONG InterfaceSize;
} WDF_INTERFACE_HEADER, *PWDF_INTERFACE_HEADER;

NTSTATUS NTAPI WdfVersionBind(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath, PWDF_BIND_INFO Info,
                              PWDF_COMPONENT_GLOBALS *Globals);
NTSTATUS NTAPI WdfVersionUnbind(PUNICODE_STRING RegistryPath, PWDF_BIND_INFO Info, PWDF_COMPONENT_GLOBALS Globals);
NTSTATUS NTAPI WdfVersionBindClass(PWDF_BIND_INFO BindInfo, PWDF_COMPONENT_GLOBALS *Globals, PWDF_CLASS_BIND_INFO ClassInfo);
VOID NTAPI WdfVersionUnbindClass(PWDF_BIND_INFO BindInfo, PWDF_COMPONENT_GLOBALS Globals, PWDF_CLASS_BIND_INFO ClassInfo);
NTSTATUS NTAPI WdfLdrQueryInterface(PWDF_INTERFACE_HEADER LoaderInterface);
NTSTATUS NTAPI WdfLdrDiagnosticsValueByNameAsULONG(PUNICODE_STRING ValueName, PULONG Value);

#endif
