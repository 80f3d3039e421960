/* The auxiliary library: DriverEntry succeeds if it answers as documented. */
#include <ntddk.h>
#include <aux_klib.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

#define CHECK(condition)                                              \
    do {                                                              \
        if (!(condition)) {                                           \
            DbgPrint("aux_library: line %d: " #condition "\n", __LINE__); \
            return STATUS_UNSUCCESSFUL;                               \
        }                                                             \
    } while (0)

enum { TAG = 'txua' };

static NTSTATUS LookThrough(PVOID Own)
{
    ULONG basic = 0, extended = 0, size;
    BOOLEAN found = FALSE;
    CHECK(AuxKlibQueryModuleInformation(&basic, sizeof(AUX_MODULE_BASIC_INFO), NULL) == STATUS_SUCCESS);
    CHECK(AuxKlibQueryModuleInformation(&extended, sizeof(AUX_MODULE_EXTENDED_INFO), NULL) == STATUS_SUCCESS);
    CHECK(basic / sizeof(AUX_MODULE_BASIC_INFO) == extended / sizeof(AUX_MODULE_EXTENDED_INFO) && basic >= 2 * sizeof(PVOID));
    CHECK(!NT_SUCCESS(AuxKlibQueryModuleInformation(&basic, 17, NULL)));
    PAUX_MODULE_EXTENDED_INFO list = ExAllocatePoolWithTag(PagedPool, extended, TAG);
    if (!list)
        return STATUS_INSUFFICIENT_RESOURCES;
    size = extended - 1;
    NTSTATUS small = AuxKlibQueryModuleInformation(&size, sizeof *list, list);
    NTSTATUS status = AuxKlibQueryModuleInformation(&extended, sizeof *list, list);
    for (ULONG i = 0; i < extended / sizeof *list; i++) {
        PUCHAR base = list[i].BasicInfo.ImageBase;
        if ((PUCHAR)Own >= base && (PUCHAR)Own < base + list[i].ImageSize)
            found = !_strnicmp((PCHAR)list[i].FullPathName + list[i].FileNameOffset, "aux_library", 11);
    }
    PVOID kernel = list[0].BasicInfo.ImageBase;
    ExFreePoolWithTag(list, TAG);
    CHECK(small == STATUS_BUFFER_TOO_SMALL && status == STATUS_SUCCESS && found);
    PIMAGE_EXPORT_DIRECTORY exports = AuxKlibGetImageExportDirectory(kernel);
    CHECK(exports && exports->NumberOfNames > 100);
    return STATUS_SUCCESS;
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KBUGCHECK_DATA data = {0};
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    CHECK(AuxKlibInitialize() == STATUS_SUCCESS);
    CHECK(AuxKlibGetBugCheckData(&data) == STATUS_INFO_LENGTH_MISMATCH);
    data.BugCheckDataSize = sizeof data;
    data.BugCheckCode = 1;
    CHECK(AuxKlibGetBugCheckData(&data) == STATUS_SUCCESS && !data.BugCheckCode);
    return LookThrough((PVOID)(ULONG_PTR)DriverEntry);
}
