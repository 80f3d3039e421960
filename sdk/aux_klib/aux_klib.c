/* aux_klib: the static library behind AuxKlib…. It asks the system for what the library of the WDK asks for: the list of modules by
 * ZwQuerySystemInformation, the bug check by KiBugCheckData. */
#include <ntddk.h>
#include <aux_klib.h>

enum { MODULES = 11, FIRMWARE_TABLES = 76, TAG = 'lkxA', TRIES = 8 };

typedef struct _MODULE { /* RTL_PROCESS_MODULE_INFORMATION */
    HANDLE Section;
    PVOID MappedBase;
    PVOID ImageBase;
    ULONG ImageSize;
    ULONG Flags;
    USHORT LoadOrderIndex;
    USHORT InitOrderIndex;
    USHORT LoadCount;
    USHORT OffsetToFileName;
    UCHAR FullPathName[AUX_KLIB_MODULE_PATH_LEN];
} MODULE;

typedef struct _MODULE_LIST {
    ULONG Count;
    MODULE Module[1];
} MODULE_LIST;

typedef struct _FIRMWARE_REQUEST { /* SYSTEM_FIRMWARE_TABLE_INFORMATION */
    ULONG Provider;
    ULONG Action; /* 0: enumerate, 1: get */
    ULONG Table;
    ULONG Length;
    UCHAR Buffer[ANYSIZE_ARRAY];
} FIRMWARE_REQUEST;

__declspec(dllimport) extern ULONG_PTR KiBugCheckData[5];
NTSYSAPI NTSTATUS NTAPI ZwQuerySystemInformation(ULONG Class, PVOID Buffer, ULONG Length, PULONG ReturnLength);

static LONG Initialized;

NTSTATUS NTAPI AuxKlibInitialize(VOID)
{
    InterlockedExchange(&Initialized, 1);
    return STATUS_SUCCESS;
}

/* The list as it is now: it may grow between the question for its size and the next one. */
static NTSTATUS GetModules(MODULE_LIST **List)
{
    ULONG size = 0;
    NTSTATUS status = ZwQuerySystemInformation(MODULES, NULL, 0, &size);
    *List = NULL;
    for (int i = 0; i < TRIES && status == STATUS_INFO_LENGTH_MISMATCH; i++) {
        if (*List)
            ExFreePoolWithTag(*List, TAG);
        *List = ExAllocatePoolWithTag(PagedPool, size, TAG);
        if (!*List)
            return STATUS_INSUFFICIENT_RESOURCES;
        status = ZwQuerySystemInformation(MODULES, *List, size, &size);
    }
    if (!NT_SUCCESS(status) && *List)
        ExFreePoolWithTag(*List, TAG);
    return status;
}

static void Describe(PVOID To, ULONG ElementSize, const MODULE *From)
{
    PAUX_MODULE_EXTENDED_INFO info = To;
    info->BasicInfo.ImageBase = From->ImageBase;
    if (ElementSize == sizeof(AUX_MODULE_BASIC_INFO))
        return;
    info->ImageSize = From->ImageSize;
    info->FileNameOffset = From->OffsetToFileName;
    RtlCopyMemory(info->FullPathName, From->FullPathName, sizeof info->FullPathName);
}

/* GUESS: what is asked before AuxKlibInitialize was called is answered with STATUS_UNSUCCESSFUL. */
NTSTATUS NTAPI AuxKlibQueryModuleInformation(PULONG BufferSize, ULONG ElementSize, PVOID QueryInfo)
{
    MODULE_LIST *list;
    if (!Initialized)
        return STATUS_UNSUCCESSFUL;
    if (ElementSize != sizeof(AUX_MODULE_BASIC_INFO) && ElementSize != sizeof(AUX_MODULE_EXTENDED_INFO))
        return STATUS_INVALID_PARAMETER_2;
    NTSTATUS status = GetModules(&list);
    if (!NT_SUCCESS(status))
        return status;
    ULONG needed = list->Count * ElementSize;
    if (QueryInfo && *BufferSize < needed)
        status = STATUS_BUFFER_TOO_SMALL;
    for (ULONG i = 0; QueryInfo && NT_SUCCESS(status) && i < list->Count; i++)
        Describe((PUCHAR)QueryInfo + i * ElementSize, ElementSize, &list->Module[i]);
    *BufferSize = needed;
    ExFreePoolWithTag(list, TAG);
    return status;
}

PIMAGE_EXPORT_DIRECTORY NTAPI AuxKlibGetImageExportDirectory(PVOID ImageBase)
{
    const IMAGE_DOS_HEADER *dos = ImageBase;
    if (!Initialized || dos->e_magic != IMAGE_DOS_SIGNATURE)
        return NULL;
    const IMAGE_NT_HEADERS *nt = (const IMAGE_NT_HEADERS *)((PUCHAR)ImageBase + dos->e_lfanew);
    if (nt->Signature != IMAGE_NT_SIGNATURE || nt->OptionalHeader.NumberOfRvaAndSizes <= IMAGE_DIRECTORY_ENTRY_EXPORT)
        return NULL;
    ULONG at = nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress;
    return at ? (PIMAGE_EXPORT_DIRECTORY)((PUCHAR)ImageBase + at) : NULL;
}

NTSTATUS NTAPI AuxKlibGetBugCheckData(PKBUGCHECK_DATA BugCheckData)
{
    if (BugCheckData->BugCheckDataSize != sizeof *BugCheckData)
        return STATUS_INFO_LENGTH_MISMATCH;
    BugCheckData->BugCheckCode = (ULONG)KiBugCheckData[0];
    BugCheckData->Parameter1 = KiBugCheckData[1];
    BugCheckData->Parameter2 = KiBugCheckData[2];
    BugCheckData->Parameter3 = KiBugCheckData[3];
    BugCheckData->Parameter4 = KiBugCheckData[4];
    return STATUS_SUCCESS;
}

static NTSTATUS AskFirmware(ULONG Provider, ULONG Action, ULONG Table, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    ULONG head = FIELD_OFFSET(FIRMWARE_REQUEST, Buffer), size = 0;
    FIRMWARE_REQUEST *request = ExAllocatePoolWithTag(PagedPool, head + Length, TAG);
    if (!request)
        return STATUS_INSUFFICIENT_RESOURCES;
    request->Provider = Provider;
    request->Action = Action;
    request->Table = Table;
    request->Length = Length;
    NTSTATUS status = ZwQuerySystemInformation(FIRMWARE_TABLES, request, head + Length, &size);
    if (NT_SUCCESS(status) && Buffer)
        RtlCopyMemory(Buffer, request->Buffer, min(request->Length, Length));
    if ((NT_SUCCESS(status) || status == STATUS_BUFFER_TOO_SMALL) && ReturnLength)
        *ReturnLength = request->Length;
    ExFreePoolWithTag(request, TAG);
    return status;
}

NTSTATUS NTAPI AuxKlibEnumerateSystemFirmwareTables(ULONG Provider, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    return Initialized ? AskFirmware(Provider, 0, 0, Buffer, Length, ReturnLength) : STATUS_UNSUCCESSFUL;
}

NTSTATUS NTAPI AuxKlibGetSystemFirmwareTable(ULONG Provider, ULONG Table, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    return Initialized ? AskFirmware(Provider, 1, Table, Buffer, Length, ReturnLength) : STATUS_UNSUCCESSFUL;
}
