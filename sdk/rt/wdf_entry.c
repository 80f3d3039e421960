/* The entry that KMDF drivers are linked with, as the WDK links WdfDriverEntry: binds the driver to the framework before DriverEntry runs,
 * and unbinds it when the driver goes. Compiled with the driver's own version of KMDF, which decides what is asked for.
 *
 * Order (facts: the public fxldr.h and the framework's documentation): registry path copied, WdfVersionBind, class extensions, context
 * types of other components, DriverEntry; then, when the framework asks for it, an unload routine before the driver's. */
#include <ntddk.h>
#include <wdf.h>
#include <fxldr.h>

enum { MAX_PATH_LENGTH = 260 };

PWDF_DRIVER_GLOBALS WdfDriverGlobals;
WDFFUNC WdfDriverMiniportUnloadOverride;
#if WDF_TABLE_IS_POINTER
const WDFFUNC *WdfFunctions;
#define FUNCTION_TABLE (PVOID) & WdfFunctions
#else
WDFFUNC WdfFunctions[WdfFunctionTableNumEntries];
#define FUNCTION_TABLE (PVOID) WdfFunctions
#endif

/* What the framework tells drivers built for 1.25 and later. */
BOOLEAN WdfClientVersionHigherThanFramework;
ULONG WdfFunctionCount = WdfFunctionTableNumEntries;
ULONG WdfStructureCount = WDF_STRUCTURE_TABLE_NUM_ENTRIES;
WDF_STRUCT_INFO WdfStructures;

#define BIND_INFO(size)                                                                                                             \
    {size, (PWCHAR)L"KmdfLibrary", {KMDF_VERSION_MAJOR, KMDF_VERSION_MINOR, 0}, WdfFunctionTableNumEntries, FUNCTION_TABLE, NULL}
#if KMDF_VERSION_MINOR >= WDF_FIRST_VERSION_SUPPORTING_CLIENT_VERSION_HIGHER_THAN_FRAMEWORK
static WDF_BIND_INFO2 WdfBindInfo2 = {BIND_INFO(sizeof(WDF_BIND_INFO2)), &WdfMinimumVersionRequired, &WdfClientVersionHigherThanFramework,
                                      &WdfFunctionCount, &WdfStructureCount, &WdfStructures};
#define WdfBindInfo WdfBindInfo2.V1
#else
static WDF_BIND_INFO WdfBindInfo = BIND_INFO(sizeof(WDF_BIND_INFO));
#endif

static WCHAR WdfDriverStubRegistryPathBuffer[MAX_PATH_LENGTH];
static UNICODE_STRING WdfDriverStubRegistryPath = {0, sizeof WdfDriverStubRegistryPathBuffer, WdfDriverStubRegistryPathBuffer};
static PDRIVER_OBJECT WdfDriverStubDriverObject;
static PDRIVER_UNLOAD WdfDriverStubDisplacedDriverUnload;
static WDFFUNC WdfDriverStubMiniportUnload;

/* The linker sorts parts of a section by what stands behind the dollar sign: what drivers declare comes between these marks, filled up
 * with zeros. */
#define MARK(name, section_name) __attribute__((section(section_name), used)) static ULONG_PTR name[1] = {0}
MARK(ClassBindStart, ".kmdfclassbind$a");
MARK(ClassBindEnd, ".kmdfclassbind$c");
MARK(TypeInitStart, ".kmdftypeinit$a");
MARK(TypeInitEnd, ".kmdftypeinit$c");

DRIVER_INITIALIZE DriverEntry;

/* The next entry at or behind `at`, none: `end`. An entry begins with its size. */
static ULONG_PTR *NextEntry(ULONG_PTR *at, ULONG_PTR *end)
{
    while (at < end && *at == 0)
        at++;
    return at;
}

static VOID FxStubUnbindClasses(ULONG_PTR *last)
{
    ULONG_PTR *at = ClassBindStart + 1;
    while ((at = NextEntry(at, last)) < last) {
        WDF_CLASS_BIND_INFO *info = (WDF_CLASS_BIND_INFO *)at;
        if (info->ClientUnbindClass)
            info->ClientUnbindClass(WdfVersionUnbindClass, &WdfBindInfo, (PWDF_COMPONENT_GLOBALS)WdfDriverGlobals, info);
        else
            WdfVersionUnbindClass(&WdfBindInfo, (PWDF_COMPONENT_GLOBALS)WdfDriverGlobals, info);
        at = (ULONG_PTR *)((PUCHAR)at + info->Size);
    }
}

/* *bound: behind the last class that was bound. */
static NTSTATUS FxStubBindClasses(ULONG_PTR **bound)
{
    ULONG_PTR *at = ClassBindStart + 1;
    *bound = at;
    while ((at = NextEntry(at, ClassBindEnd)) < ClassBindEnd) {
        WDF_CLASS_BIND_INFO *info = (WDF_CLASS_BIND_INFO *)at;
        NTSTATUS status;
        if (info->Size != sizeof(WDF_CLASS_BIND_INFO))
            return STATUS_INVALID_IMAGE_FORMAT;
        if (info->ClientBindClass)
            status = info->ClientBindClass(WdfVersionBindClass, &WdfBindInfo, (PWDF_COMPONENT_GLOBALS *)&WdfDriverGlobals, info);
        else
            status = WdfVersionBindClass(&WdfBindInfo, (PWDF_COMPONENT_GLOBALS *)&WdfDriverGlobals, info);
        if (!NT_SUCCESS(status))
            return status;
        at = (ULONG_PTR *)((PUCHAR)at + info->Size);
        *bound = at;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS FxStubInitTypes(VOID)
{
    ULONG_PTR *at = TypeInitStart + 1;
    while ((at = NextEntry(at, TypeInitEnd)) < TypeInitEnd) {
        WDF_OBJECT_CONTEXT_TYPE_INFO *info = (WDF_OBJECT_CONTEXT_TYPE_INFO *)at;
        if (info->Size != sizeof(WDF_OBJECT_CONTEXT_TYPE_INFO))
            return STATUS_INVALID_IMAGE_FORMAT;
        if (info->EvtDriverGetUniqueContextType)
            info->UniqueType = info->EvtDriverGetUniqueContextType();
        at = (ULONG_PTR *)(info + 1);
    }
    return STATUS_SUCCESS;
}

static VOID FxStubDriverUnloadCommon(ULONG_PTR *bound)
{
    FxStubUnbindClasses(bound);
    WdfVersionUnbind(&WdfDriverStubRegistryPath, &WdfBindInfo, (PWDF_COMPONENT_GLOBALS)WdfDriverGlobals);
}

static VOID NTAPI FxStubDriverUnload(PDRIVER_OBJECT DriverObject)
{
    if (WdfDriverStubDisplacedDriverUnload && WdfDriverStubDisplacedDriverUnload != FxStubDriverUnload)
        WdfDriverStubDisplacedDriverUnload(DriverObject);
    FxStubDriverUnloadCommon(ClassBindEnd);
}

static VOID NTAPI FxStubDriverMiniportUnload(PWDF_DRIVER_GLOBALS DriverGlobals, WDFDRIVER Driver)
{
    ((VOID(NTAPI *)(PWDF_DRIVER_GLOBALS, WDFDRIVER))WdfDriverStubMiniportUnload)(DriverGlobals, Driver);
    FxStubDriverUnloadCommon(ClassBindEnd);
}

static VOID FxStubDisplaceUnload(VOID)
{
    if (WdfDriverGlobals->DisplaceDriverUnload) {
        if (WdfDriverStubDriverObject->DriverUnload)
            WdfDriverStubDisplacedDriverUnload = WdfDriverStubDriverObject->DriverUnload;
        WdfDriverStubDriverObject->DriverUnload = FxStubDriverUnload;
    } else if (WdfDriverGlobals->DriverFlags & WdfDriverInitNoDispatchOverride) {
        WdfDriverMiniportUnloadOverride = (WDFFUNC)FxStubDriverMiniportUnload;
    }
}

static NTSTATUS FxDriverEntryWorker(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG_PTR *bound = NULL;
    NTSTATUS status;
    if (!DriverObject) /* an export driver that nobody loads as a driver: there is nothing to bind */
        return DriverEntry(DriverObject, RegistryPath);
    WdfDriverStubDriverObject = DriverObject;
    RtlCopyUnicodeString(&WdfDriverStubRegistryPath, RegistryPath);
    status = WdfVersionBind(DriverObject, &WdfDriverStubRegistryPath, &WdfBindInfo, (PWDF_COMPONENT_GLOBALS *)&WdfDriverGlobals);
    if (!NT_SUCCESS(status))
        return status;
    WdfDriverStubMiniportUnload = WdfFunctions[WdfDriverMiniportUnloadTableIndex];
    WdfDriverMiniportUnloadOverride = WdfDriverStubMiniportUnload;
    status = FxStubBindClasses(&bound);
    if (NT_SUCCESS(status))
        status = FxStubInitTypes();
    if (NT_SUCCESS(status))
        status = DriverEntry(DriverObject, &WdfDriverStubRegistryPath);
    if (NT_SUCCESS(status))
        FxStubDisplaceUnload();
    else
        FxStubDriverUnloadCommon(bound);
    return status;
}

NTSTATUS NTAPI FxDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
#ifdef IRPLAB_CC_MSVC
    void __security_init_cookie(void);
    __security_init_cookie();
#endif
    return FxDriverEntryWorker(DriverObject, RegistryPath);
}
