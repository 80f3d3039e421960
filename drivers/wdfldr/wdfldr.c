/* WDFLDR.SYS: binds KMDF drivers to their library.
 *
 * A client's entry stub calls WdfVersionBind; the loader loads the library's service the first time (Wdf01000), which registers itself with
 * WdfRegisterLibrary, and hands the client to it. When its last client has gone, the library is unloaded again.
 * DOC: the library is found through ...\Control\Wdf\Kmdf\KmdfLibrary\Versions\1, value Service; here it is Wdf01000 always.
 * Class extensions (NetAdapterCx, UcmCx, ...) are not supported: they are refused, and a debug message names them. */
#include "../wdf01000/wdfldr.h"

static LDR_LIBRARY_INFO *library;
static LONG clients;
static KMUTEX lock; /* one bind or unbind at a time */
static BOOLEAN lock_made;

static UNICODE_STRING service = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Wdf01000");

static void acquire(void)
{
    KeEnterCriticalRegion();
    KeWaitForSingleObject(&lock, Executive, KernelMode, FALSE, NULL);
}

static void release(void)
{
    KeReleaseMutex(&lock, FALSE);
    KeLeaveCriticalRegion();
}

NTSTATUS DllInitialize(PUNICODE_STRING RegistryPath)
{
    if (!lock_made)
        KeInitializeMutex(&lock, 0);
    lock_made = TRUE;
    return STATUS_SUCCESS;
}

NTSTATUS DllUnload(void)
{
    return STATUS_SUCCESS;
}

static void unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    return DllInitialize(RegistryPath);
}

NTSTATUS WdfRegisterLibrary(LDR_LIBRARY_INFO *info, UNICODE_STRING *servicePath, UNICODE_STRING *deviceName)
{
    if (!info || info->Size != sizeof *info)
        return STATUS_INVALID_PARAMETER;
    if (library)
        return STATUS_OBJECT_NAME_COLLISION;
    library = info;
    return info->Commission ? info->Commission() : STATUS_SUCCESS;
}

NTSTATUS WdfRegisterClassLibrary(PVOID info, UNICODE_STRING *servicePath, UNICODE_STRING *deviceName)
{
    DbgPrint("WDFLDR: class extension %wZ is refused: class extensions are not supported\n", servicePath);
    return STATUS_NOT_SUPPORTED;
}

static BOOLEAN is_kmdf(const LDR_BIND_INFO *info)
{
    static const WCHAR name[] = L"KmdfLibrary";
    if (!info->Component)
        return FALSE;
    for (ULONG i = 0; i < sizeof name / sizeof *name; i++)
        if (info->Component[i] != name[i])
            return FALSE;
    return TRUE;
}

static NTSTATUS bind(DRIVER_OBJECT *driver, UNICODE_STRING *path, LDR_BIND_INFO *info, PVOID *globals)
{
    LDR_CLIENT_INFO client = { sizeof client, path, driver }, *context = &client;
    NTSTATUS s = library ? STATUS_SUCCESS : ZwLoadDriver(&service);
    if (s == STATUS_IMAGE_ALREADY_LOADED)
        s = STATUS_SUCCESS;
    if (NT_SUCCESS(s) && !library)
        s = STATUS_INVALID_DEVICE_STATE;
    if (!NT_SUCCESS(s)) {
        DbgPrint("WDFLDR: the library Wdf01000 could not be loaded, status 0x%08x\n", s);
        return s;
    }
    s = library->RegisterClient(info, globals, (PVOID *)&context);
    if (NT_SUCCESS(s)) {
        info->Module = library;
        clients++;
    }
    return s;
}

NTSTATUS WdfVersionBind(DRIVER_OBJECT *DriverObject, UNICODE_STRING *RegistryPath, LDR_BIND_INFO *Info, PVOID *Globals)
{
    if (!RegistryPath || !Info || !Globals || (Info->Size != sizeof(LDR_BIND_INFO) && Info->Size != sizeof(LDR_BIND_INFO2)))
        return STATUS_INVALID_PARAMETER;
    if (!is_kmdf(Info) || Info->Version.Major != 1) {
        DbgPrint("WDFLDR: %ws version %d.%d is not known\n", Info->Component, Info->Version.Major, Info->Version.Minor);
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    DllInitialize(NULL);
    acquire();
    NTSTATUS s = bind(DriverObject, RegistryPath, Info, Globals);
    release();
    return s;
}

NTSTATUS WdfVersionUnbind(UNICODE_STRING *RegistryPath, LDR_BIND_INFO *Info, PVOID Globals)
{
    if (!Info || !Globals || !library)
        return STATUS_INVALID_PARAMETER;
    acquire();
    NTSTATUS s = library->UnregisterClient(Info, Globals);
    BOOLEAN last = --clients == 0;
    Info->Module = NULL;
    if (last) {
        if (library->Decommission)
            library->Decommission();
        library = NULL;
        ZwUnloadDriver(&service);
    }
    release();
    return s;
}

typedef struct {
    ULONG Size;
    PWCHAR ClassName;
    LDR_VERSION Version;
    PVOID FunctionTable;
    ULONG FunctionTableCount;
    PVOID ClassBindInfo, ClientBindClass, ClientUnbindClass, ClassModule;
} LDR_CLASS_BIND_INFO;
C_ASSERT(sizeof(LDR_CLASS_BIND_INFO) == 0x50);

NTSTATUS WdfVersionBindClass(LDR_BIND_INFO *Info, PVOID Globals, LDR_CLASS_BIND_INFO *Class)
{
    if (!Class || !Class->ClassName)
        return STATUS_INVALID_PARAMETER;
    DbgPrint("WDFLDR: class extension %ws version %d.%d is refused: class extensions are not supported\n", Class->ClassName, Class->Version.Major,
             Class->Version.Minor);
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS WdfVersionUnbindClass(LDR_BIND_INFO *Info, PVOID Globals, LDR_CLASS_BIND_INFO *Class)
{
    return STATUS_SUCCESS; /* none was ever bound */
}

NTSTATUS WdfLdrQueryInterface(LDR_INTERFACE_HEADER *Interface)
{
    static const GUID standard = { 0x49215DFF, 0xF5AC, 0x4901, { 0x85, 0x88, 0xAB, 0x3D, 0x54, 0x0F, 0x60, 0x21 } };
    struct {
        LDR_INTERFACE_HEADER Header;
        PVOID Register, Bind, Unbind, Diagnostics;
    } *i = (PVOID)Interface;
    if (!Interface || !Interface->InterfaceType)
        return STATUS_INVALID_PARAMETER;
    if (!RtlEqualMemory(Interface->InterfaceType, &standard, sizeof standard))
        return STATUS_NOT_SUPPORTED;
    if (Interface->InterfaceSize != sizeof *i)
        return STATUS_INFO_LENGTH_MISMATCH;
    extern NTSTATUS WdfLdrDiagnosticsValueByNameAsULONG(UNICODE_STRING *, ULONG *);
    i->Register = WdfRegisterLibrary;
    i->Bind = WdfVersionBind;
    i->Unbind = WdfVersionUnbind;
    i->Diagnostics = WdfLdrDiagnosticsValueByNameAsULONG;
    return STATUS_SUCCESS;
}

NTSTATUS WdfLdrDiagnosticsValueByNameAsULONG(UNICODE_STRING *Name, ULONG *Value)
{
    if (!Name || !Value)
        return STATUS_INVALID_PARAMETER;
    *Value = 0;
    return STATUS_OBJECT_NAME_NOT_FOUND;
}
