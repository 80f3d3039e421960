/* What file systems are given: byte-range locks, stream files, information by file object; and hash tables, altitudes, the little things beside. */
#include "contract_driver.h"

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\ContractFileSystem");
static PDEVICE_OBJECT Device;
static ULONG Cleanups, Closes, VolumeQueries, VolumeSets, FileSets;

/* ---- byte-range locks ---- */

static ULONG Completed, Unlocked;
static NTSTATUS LastStatus, Answer;
static PIRP LastIrp;
static ULONG UnlockedExclusive;

static NTSTATUS NTAPI LockDone(PVOID Context, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Context);
    Completed++;
    LastIrp = Irp;
    LastStatus = Irp->IoStatus.Status;
    return NT_SUCCESS(LastStatus) ? Answer : LastStatus;
}

static VOID NTAPI LockGone(PVOID Context, PFILE_LOCK_INFO Info)
{
    UNREFERENCED_PARAMETER(Context);
    Unlocked++;
    UnlockedExclusive = Info->ExclusiveLock;
}

/* Files are told apart by their addresses only. */
static FILE_OBJECT Files[2];

static PIRP Request(UCHAR Minor, UCHAR Flags, ULONG File, ULONG Key, LONGLONG Offset, PLARGE_INTEGER Length)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    PIO_STACK_LOCATION stack;

    irp->Tail.Overlay.Thread = PsGetCurrentThread();
    IoSetNextIrpStackLocation(irp);
    stack = IoGetCurrentIrpStackLocation(irp);
    stack->MajorFunction = IRP_MJ_LOCK_CONTROL;
    stack->MinorFunction = Minor;
    stack->Flags = Flags;
    stack->FileObject = &Files[File];
    stack->Parameters.LockControl.Length = Length;
    stack->Parameters.LockControl.Key = Key;
    stack->Parameters.LockControl.ByteOffset.QuadPart = Offset;
    return irp;
}

static NTSTATUS Process(PFILE_LOCK Lock, UCHAR Minor, UCHAR Flags, ULONG File, ULONG Key, LONGLONG Offset, LONGLONG Bytes)
{
    LARGE_INTEGER length;
    PIRP irp;
    NTSTATUS status;

    length.QuadPart = Bytes;
    irp = Request(Minor, Flags, File, Key, Offset, &length);
    status = FsRtlProcessFileLock(Lock, irp, NULL);
    IoFreeIrp(irp);
    return status;
}

static BOOLEAN May(PFILE_LOCK Lock, BOOLEAN Write, ULONG File, ULONG Key, LONGLONG Offset, LONGLONG Bytes)
{
    LARGE_INTEGER offset, length;

    offset.QuadPart = Offset;
    length.QuadPart = Bytes;
    return Write ? FsRtlFastCheckLockForWrite(Lock, &offset, &length, Key, &Files[File], PsGetCurrentProcess())
                 : FsRtlFastCheckLockForRead(Lock, &offset, &length, Key, &Files[File], PsGetCurrentProcess());
}

#define NOW SL_FAIL_IMMEDIATELY
#define ALONE (SL_FAIL_IMMEDIATELY | SL_EXCLUSIVE_LOCK)

static VOID Locks(PCONTRACT t)
{
    FILE_LOCK lock;

    Completed = Unlocked = 0;
    Answer = STATUS_SUCCESS;
    FsRtlInitializeFileLock(&lock, LockDone, LockGone);
    CHECK(!FsRtlAreThereCurrentFileLocks(&lock));
    CHECK_STATUS(Process(&lock, IRP_MN_LOCK, ALONE, 0, 1, 100, 10), STATUS_SUCCESS);
    CHECK_EQ(Completed, 1);
    CHECK_STATUS(LastStatus, STATUS_SUCCESS);
    CHECK(FsRtlAreThereCurrentFileLocks(&lock) && FsRtlAreThereCurrentOrInProgressFileLocks(&lock));

    /* An exclusive lock is its owner's: file, process and key. */
    CHECK(May(&lock, FALSE, 0, 1, 100, 10) && May(&lock, TRUE, 0, 1, 105, 1));
    CHECK(!May(&lock, FALSE, 0, 2, 100, 10) && !May(&lock, TRUE, 0, 2, 109, 1));
    CHECK(!May(&lock, FALSE, 1, 1, 95, 6) && May(&lock, FALSE, 1, 1, 95, 5) && May(&lock, TRUE, 1, 1, 110, 5));
    CHECK(May(&lock, FALSE, 1, 1, 105, 0));
    CHECK_STATUS(Process(&lock, IRP_MN_LOCK, NOW, 1, 1, 109, 5), STATUS_LOCK_NOT_GRANTED);
    CHECK_STATUS(Process(&lock, IRP_MN_LOCK, ALONE, 0, 1, 109, 5), STATUS_LOCK_NOT_GRANTED);
    CHECK_STATUS(Process(&lock, IRP_MN_LOCK, NOW, 0, 1, 100, 10), STATUS_SUCCESS);

    /* DOC: LockFileEx: of two locks of one range the exclusive one goes first. */
    CHECK_STATUS(Process(&lock, IRP_MN_UNLOCK_SINGLE, 0, 0, 2, 100, 10), STATUS_RANGE_NOT_LOCKED);
    CHECK_STATUS(Process(&lock, IRP_MN_UNLOCK_SINGLE, 0, 0, 1, 100, 9), STATUS_RANGE_NOT_LOCKED);
    CHECK_STATUS(Process(&lock, IRP_MN_UNLOCK_SINGLE, 0, 0, 1, 100, 10), STATUS_SUCCESS);
    CHECK(Unlocked == 1 && UnlockedExclusive);

    /* A shared lock lets everybody read, nobody write. */
    CHECK(May(&lock, FALSE, 1, 7, 100, 10) && !May(&lock, TRUE, 1, 7, 100, 10) && !May(&lock, TRUE, 0, 1, 100, 10));
    CHECK_STATUS(Process(&lock, IRP_MN_LOCK, NOW, 1, 7, 90, 100), STATUS_SUCCESS);
    CHECK_STATUS(Process(&lock, IRP_MN_LOCK, ALONE, 1, 7, 105, 1), STATUS_LOCK_NOT_GRANTED);
    CHECK_STATUS(Process(&lock, IRP_MN_UNLOCK_ALL_BY_KEY, 0, 1, 7, 0, 0), STATUS_SUCCESS);
    CHECK(Unlocked == 2 && !UnlockedExclusive);
    CHECK_STATUS(Process(&lock, IRP_MN_UNLOCK_ALL, 0, 0, 0, 0, 0), STATUS_SUCCESS);
    CHECK(Unlocked == 3 && !FsRtlAreThereCurrentFileLocks(&lock) && May(&lock, TRUE, 1, 7, 100, 10));

    /* A range that goes beyond the last byte there can be; a request of another kind. */
    CHECK_STATUS(Process(&lock, IRP_MN_LOCK, NOW, 0, 1, -1, 2), STATUS_INVALID_LOCK_RANGE);
    CHECK_STATUS(Process(&lock, 0x55, 0, 0, 1, 0, 1), STATUS_INVALID_DEVICE_REQUEST);
    FsRtlUninitializeFileLock(&lock);
}

static VOID Waiting(PCONTRACT t)
{
    LARGE_INTEGER length, offset;
    PFILE_LOCK lock = FsRtlAllocateFileLock(LockDone, NULL);
    IO_STATUS_BLOCK block;
    PIRP first, second;

    if (!lock) {
        ContractFail(t, __LINE__, "no lock");
        return;
    }
    Completed = 0;
    length.QuadPart = 10;
    offset.QuadPart = 0;
    CHECK(FsRtlFastLock(lock, &Files[0], &offset, &length, PsGetCurrentProcess(), 1, FALSE, TRUE, &block, NULL, FALSE));
    CHECK_STATUS(block.Status, STATUS_SUCCESS);
    /* The fast path refuses what would have to wait. */
    CHECK(!FsRtlFastLock(lock, &Files[1], &offset, &length, PsGetCurrentProcess(), 1, FALSE, TRUE, &block, NULL, FALSE));
    CHECK(FsRtlFastLock(lock, &Files[1], &offset, &length, PsGetCurrentProcess(), 1, TRUE, TRUE, &block, NULL, FALSE));
    CHECK_STATUS(block.Status, STATUS_LOCK_NOT_GRANTED);

    first = Request(IRP_MN_LOCK, SL_EXCLUSIVE_LOCK, 1, 1, 5, &length);
    second = Request(IRP_MN_LOCK, SL_EXCLUSIVE_LOCK, 1, 2, 0, &length);
    CHECK_STATUS(FsRtlProcessFileLock(lock, first, NULL), STATUS_PENDING);
    CHECK_STATUS(FsRtlProcessFileLock(lock, second, NULL), STATUS_PENDING);
    CHECK_EQ(Completed, 0);
    CHECK((IoGetCurrentIrpStackLocation(first)->Control & SL_PENDING_RETURNED) && first->CancelRoutine && second->CancelRoutine);
    /* What goes lets in whom it kept out, oldest first. */
    CHECK_STATUS(FsRtlFastUnlockSingle(lock, &Files[0], &offset, &length, PsGetCurrentProcess(), 1, NULL, FALSE), STATUS_SUCCESS);
    CHECK(Completed == 1 && LastIrp == first && first->CancelRoutine == NULL && second->CancelRoutine != NULL);
    CHECK_STATUS(LastStatus, STATUS_SUCCESS);
    CHECK(!May(lock, FALSE, 0, 1, 14, 1) && May(lock, FALSE, 0, 1, 4, 1));
    CHECK(IoCancelIrp(second));
    CHECK(Completed == 2 && LastIrp == second);
    CHECK_STATUS(LastStatus, STATUS_CANCELLED);
    IoFreeIrp(second);
    IoFreeIrp(first);

    /* The file system may refuse a lock that was granted. */
    Answer = STATUS_ACCESS_DENIED;
    CHECK_STATUS(Process(lock, IRP_MN_LOCK, ALONE, 0, 1, 1000, 1), STATUS_ACCESS_DENIED);
    CHECK(May(lock, TRUE, 1, 9, 1000, 1));
    Answer = STATUS_SUCCESS;

    /* DOC: FsRtlUninitializeFileLock: who still waits is told that the range is not locked. */
    first = Request(IRP_MN_LOCK, SL_EXCLUSIVE_LOCK, 0, 1, 5, &length);
    CHECK_STATUS(FsRtlProcessFileLock(lock, first, NULL), STATUS_PENDING);
    FsRtlFreeFileLock(lock);
    CHECK(LastIrp == first);
    CHECK_STATUS(LastStatus, STATUS_RANGE_NOT_LOCKED);
    IoFreeIrp(first);
}

static VOID EachLock(PCONTRACT t)
{
    FILE_LOCK lock;
    PFILE_LOCK_INFO info;
    ULONG count = 0, i;

    FsRtlInitializeFileLock(&lock, LockDone, NULL);
    for (i = 0; i < 3; i++)
        CHECK_STATUS(Process(&lock, IRP_MN_LOCK, ALONE, 0, i, 100 * i, 10 + i), STATUS_SUCCESS);
    for (info = FsRtlGetNextFileLock(&lock, TRUE); info && count < 5; info = FsRtlGetNextFileLock(&lock, FALSE), count++) {
        CHECK(info->ExclusiveLock && info->FileObject == &Files[0] && info->ProcessId == PsGetCurrentProcess());
        CHECK_EQ(info->StartingByte.QuadPart, 100 * info->Key);
        CHECK_EQ(info->EndingByte.QuadPart, 100 * info->Key + 9 + info->Key);
    }
    CHECK_EQ(count, 3);
    FsRtlUninitializeFileLock(&lock);
    CHECK(!FsRtlGetNextFileLock(&lock, TRUE));
}

/* ---- hash tables ---- */

typedef struct _ITEM {
    RTL_DYNAMIC_HASH_TABLE_ENTRY Entry;
    ULONG Number, Seen;
} ITEM;

static ITEM Items[300];

static VOID HashTables(PCONTRACT t)
{
    PRTL_DYNAMIC_HASH_TABLE table = NULL;
    RTL_DYNAMIC_HASH_TABLE_CONTEXT context;
    RTL_DYNAMIC_HASH_TABLE_ENUMERATOR e;
    PRTL_DYNAMIC_HASH_TABLE_ENTRY p;
    ULONG i, n;

    CHECK(RtlCreateHashTable(&table, 0, 0) && table);
    for (i = 0; i < 300; i++) {
        Items[i].Number = i;
        Items[i].Seen = 0;
        CHECK(RtlInsertEntryHashTable(table, &Items[i].Entry, i / 3, NULL)); /* three of each signature; 0 is a signature, too */
    }
    CHECK_EQ(table->NumEntries, 300);
    CHECK(RtlExpandHashTable(table) && table->NumEntries == 300);
    for (i = 0; i < 100; i++) {
        n = 0;
        for (p = RtlLookupEntryHashTable(table, i, &context); p && n < 4; p = RtlGetNextEntryHashTable(table, &context)) {
            ULONG number = CONTAINING_RECORD(p, ITEM, Entry)->Number;
            if (i > 1) /* 0 and 1 are the same signature */
                CHECK_EQ(number / 3, i);
            n++;
        }
        CHECK(n == 3 || i <= 1);
    }
    CHECK(!RtlLookupEntryHashTable(table, 12345, &context));
    /* Entries may go while the table is enumerated. */
    n = 0;
    CHECK(RtlInitEnumerationHashTable(table, &e));
    CHECK(!RtlExpandHashTable(table));
    while ((p = RtlEnumerateEntryHashTable(table, &e)) != NULL && n < 400) {
        CHECK_EQ(CONTAINING_RECORD(p, ITEM, Entry)->Seen++, 0);
        if (CONTAINING_RECORD(p, ITEM, Entry)->Number % 2)
            CHECK(RtlRemoveEntryHashTable(table, p, NULL));
        n++;
    }
    RtlEndEnumerationHashTable(table, &e);
    CHECK_EQ(n, 300);
    CHECK_EQ(table->NumEntries, 150);
    n = 0;
    CHECK(RtlInitWeakEnumerationHashTable(table, &e));
    while ((p = RtlWeaklyEnumerateEntryHashTable(table, &e)) != NULL && n < 400)
        n += CONTAINING_RECORD(p, ITEM, Entry)->Number % 2 == 0;
    RtlEndWeakEnumerationHashTable(table, &e);
    CHECK_EQ(n, 150);
    CHECK(RtlContractHashTable(table) && RtlLookupEntryHashTable(table, 50, NULL));
    for (i = 0; i < 300; i += 2)
        RtlRemoveEntryHashTable(table, &Items[i].Entry, NULL);
    CHECK(table->NumEntries == 0 && table->NonEmptyBuckets == 0);
    RtlDeleteHashTable(table);
}

static LONG Altitude(PCWSTR A, PCWSTR B)
{
    UNICODE_STRING a, b;
    RtlInitUnicodeString(&a, A);
    RtlInitUnicodeString(&b, B);
    return RtlCompareAltitudes(&a, &b);
}

static VOID Altitudes(PCONTRACT t)
{
    CHECK(Altitude(L"03333", L"100") > 0 && Altitude(L"100", L"3333") < 0);
    CHECK(Altitude(L"100", L"0100") == 0 && Altitude(L"100.50", L"100.5") == 0);
    CHECK(Altitude(L"100.5", L"100.45") > 0 && Altitude(L"100", L"100.1") < 0);
}

/* ---- files ---- */

static VOID StreamFiles(PCONTRACT t)
{
    PFILE_OBJECT file;
    LONG references = Device->ReferenceCount;

    Cleanups = Closes = 0;
    file = IoCreateStreamFileObject(NULL, Device);
    CHECK(file && file->DeviceObject == Device && (file->Flags & FO_STREAM_FILE) && file->FileName.Length == 0);
    CHECK(Cleanups == 1 && Closes == 0);
    CHECK_EQ(Device->ReferenceCount, references + 1);
    ObDereferenceObject(file);
    CHECK(Cleanups == 1 && Closes == 1);
    CHECK_EQ(Device->ReferenceCount, references);

    file = IoCreateStreamFileObjectLite(NULL, Device);
    CHECK(file && (file->Flags & FO_STREAM_FILE) && Cleanups == 1);
    ObDereferenceObject(file);
    CHECK(Cleanups == 1 && Closes == 2);
}

static HANDLE Open(PCONTRACT t)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE handle = NULL;

    InitializeObjectAttributes(&attributes, &DeviceName, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwOpenFile(&handle, GENERIC_READ | SYNCHRONIZE, &attributes, &block, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
    return handle;
}

static VOID Volumes(PCONTRACT t)
{
    FILE_FS_SIZE_INFORMATION size;
    FILE_FS_LABEL_INFORMATION label;
    IO_STATUS_BLOCK block;
    HANDLE handle = Open(t);
    PFILE_OBJECT file;
    ULONG returned = 0;
    FILE_BASIC_INFORMATION basic;

    if (!handle)
        return;
    VolumeQueries = VolumeSets = FileSets = 0;
    RtlZeroMemory(&size, sizeof(size));
    CHECK_STATUS(ZwQueryVolumeInformationFile(handle, &block, &size, sizeof(size), FileFsSizeInformation), STATUS_SUCCESS);
    CHECK(size.BytesPerSector == 512 && block.Information == sizeof(size) && VolumeQueries == 1);
    CHECK_STATUS(ZwQueryVolumeInformationFile(handle, &block, &size, 4, FileFsSizeInformation), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS(ZwQueryVolumeInformationFile(handle, &block, &size, sizeof(size), 99), STATUS_INVALID_INFO_CLASS);
    CHECK_EQ(VolumeQueries, 1);
    RtlZeroMemory(&label, sizeof(label));
    CHECK_STATUS(ZwSetVolumeInformationFile(handle, &block, &label, sizeof(label), FileFsLabelInformation), STATUS_SUCCESS);
    CHECK_EQ(VolumeSets, 1);
    CHECK_STATUS(ObReferenceObjectByHandle(handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&file, NULL), STATUS_SUCCESS);
    CHECK_STATUS(IoQueryVolumeInformation(file, FileFsSizeInformation, sizeof(size), &size, &returned), STATUS_SUCCESS);
    CHECK(returned == sizeof(size) && VolumeQueries == 2);
    CHECK_STATUS(IoQueryVolumeInformation(file, FileFsVolumeInformation, sizeof(size), &size, &returned), STATUS_INVALID_DEVICE_REQUEST);
    RtlZeroMemory(&basic, sizeof(basic));
    CHECK_STATUS(IoSetInformation(file, FileBasicInformation, sizeof(basic), &basic), STATUS_SUCCESS);
    CHECK_EQ(FileSets, 1);
    CHECK_STATUS(IoQueryFileInformation(file, FileBasicInformation, sizeof(basic), &basic, &returned), STATUS_SUCCESS);
    CHECK(basic.FileAttributes == FILE_ATTRIBUTE_ARCHIVE && returned == sizeof(basic));
    ObDereferenceObject(file);
    ZwClose(handle);
}

static VOID Deletion(PCONTRACT t)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\??\\C:\\Windows\\Temp\\contract-deletion.txt");
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE handle;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_STATUS(ZwDeleteFile(&attributes), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(ZwCreateFile(&handle, GENERIC_WRITE | SYNCHRONIZE, &attributes, &block, NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_DELETE, FILE_CREATE,
                              FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0), STATUS_SUCCESS);
    ZwClose(handle);
    CHECK_STATUS(ZwDeleteFile(&attributes), STATUS_SUCCESS);
    CHECK_STATUS(ZwOpenFile(&handle, GENERIC_READ | SYNCHRONIZE, &attributes, &block, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_OBJECT_NAME_NOT_FOUND);
}

static BOOLEAN Make(PCWSTR Name, ULONG Options)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE handle;

    RtlInitUnicodeString(&name, Name);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (!NT_SUCCESS(IoCreateFileEx(&handle, GENERIC_WRITE | SYNCHRONIZE, &attributes, &block, NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_DELETE, FILE_OPEN_IF,
                                   FILE_SYNCHRONOUS_IO_NONALERT | Options, NULL, 0, CreateFileTypeNone, NULL, IO_NO_PARAMETER_CHECKING, NULL)))
        return FALSE;
    ZwClose(handle);
    return TRUE;
}

static BOOLEAN Named(PFILE_NAMES_INFORMATION Entry, PCWSTR Name)
{
    UNICODE_STRING is, expected;

    is.Buffer = Entry->FileName;
    is.Length = is.MaximumLength = (USHORT)Entry->FileNameLength;
    RtlInitUnicodeString(&expected, Name);
    return RtlEqualUnicodeString(&is, &expected, TRUE);
}

/* DOC: ZwQueryDirectoryFile. */
static VOID Directories(PCONTRACT t)
{
    static const PCWSTR names[] = {L".", L"..", L"one.txt", L"two.txt", L"three.dat"};
    UNICODE_STRING folder = RTL_CONSTANT_STRING(L"\\??\\C:\\ContractFolder"), pattern = RTL_CONSTANT_STRING(L"*.TXT"), none = RTL_CONSTANT_STRING(L"nothing*");
    union {
        FILE_NAMES_INFORMATION Names;
        FILE_BOTH_DIR_INFORMATION Both;
        UCHAR Bytes[600];
    } u;
    PFILE_NAMES_INFORMATION entry;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE handle;
    ULONG i;

    CHECK(Make(L"\\??\\C:\\ContractFolder", FILE_DIRECTORY_FILE) && Make(L"\\??\\C:\\ContractFolder\\one.txt", 0) && Make(L"\\??\\C:\\ContractFolder\\two.txt", 0) &&
          Make(L"\\??\\C:\\ContractFolder\\three.dat", 0));
    InitializeObjectAttributes(&attributes, &folder, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_STATUS(ZwOpenFile(&handle, FILE_LIST_DIRECTORY | SYNCHRONIZE, &attributes, &block, FILE_SHARE_READ | FILE_SHARE_DELETE, FILE_SYNCHRONOUS_IO_NONALERT | FILE_DIRECTORY_FILE),
                 STATUS_SUCCESS);
    /* All at once. */
    CHECK_STATUS(ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &block, &u, sizeof(u), FileNamesInformation, FALSE, NULL, FALSE), STATUS_SUCCESS);
    for (i = 0, entry = &u.Names;; entry = (PFILE_NAMES_INFORMATION)((PUCHAR)entry + entry->NextEntryOffset)) {
        CHECK(i < 5 && Named(entry, names[i]));
        i++;
        if (!entry->NextEntryOffset || i > 5)
            break;
    }
    CHECK_EQ(i, 5);
    CHECK_STATUS(ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &block, &u, sizeof(u), FileNamesInformation, FALSE, NULL, FALSE), STATUS_NO_MORE_FILES);
    /* One by one, from the beginning; the pattern stays that of the first query. */
    for (i = 0; i < 5; i++) {
        CHECK_STATUS(ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &block, &u, sizeof(u), FileNamesInformation, TRUE, &pattern, i == 0), STATUS_SUCCESS);
        CHECK(Named(&u.Names, names[i]) && u.Names.NextEntryOffset == 0);
    }
    /* A name that does not fit is cut. */
    CHECK_STATUS(ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &block, &u, FIELD_OFFSET(FILE_NAMES_INFORMATION, FileName), FileNamesInformation, TRUE, NULL, TRUE),
                 STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(u.Names.FileNameLength, 2);
    CHECK_STATUS(ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &block, &u, 4, FileNamesInformation, TRUE, NULL, TRUE), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS(ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &block, &u, sizeof(u), 9999, TRUE, NULL, TRUE), STATUS_INVALID_INFO_CLASS);
    ZwClose(handle);

    /* With a pattern. */
    CHECK_STATUS(ZwOpenFile(&handle, FILE_LIST_DIRECTORY | SYNCHRONIZE, &attributes, &block, FILE_SHARE_READ | FILE_SHARE_DELETE, FILE_SYNCHRONOUS_IO_NONALERT | FILE_DIRECTORY_FILE),
                 STATUS_SUCCESS);
    for (i = 2; i < 4; i++) {
        CHECK_STATUS(ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &block, &u, sizeof(u), FileBothDirectoryInformation, TRUE, &pattern, FALSE), STATUS_SUCCESS);
        CHECK(u.Both.FileNameLength == 14 && u.Both.FileName[0] == names[i][0] && (u.Both.FileAttributes & FILE_ATTRIBUTE_ARCHIVE) && u.Both.EndOfFile.QuadPart == 0);
        CHECK_EQ(block.Information, FIELD_OFFSET(FILE_BOTH_DIR_INFORMATION, FileName) + 14);
    }
    CHECK_STATUS(ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &block, &u, sizeof(u), FileBothDirectoryInformation, TRUE, &pattern, FALSE), STATUS_NO_MORE_FILES);
    ZwClose(handle);
    CHECK_STATUS(ZwOpenFile(&handle, FILE_LIST_DIRECTORY | SYNCHRONIZE, &attributes, &block, FILE_SHARE_READ | FILE_SHARE_DELETE, FILE_SYNCHRONOUS_IO_NONALERT | FILE_DIRECTORY_FILE),
                 STATUS_SUCCESS);
    CHECK_STATUS(ZwQueryDirectoryFile(handle, NULL, NULL, NULL, &block, &u, sizeof(u), FileNamesInformation, FALSE, &none, FALSE), STATUS_NO_SUCH_FILE);
    ZwClose(handle);
}

/* ---- beside ---- */

/* Exports that no header declares. */
NTKERNELAPI PEPROCESS NTAPI PsGetCurrentThreadProcess(VOID);
NTKERNELAPI HANDLE NTAPI PsGetCurrentThreadProcessId(VOID);
NTKERNELAPI PEPROCESS NTAPI PsGetThreadProcess(PETHREAD Thread);
NTKERNELAPI ULONG NTAPI PsGetProcessSessionIdEx(PEPROCESS Process);
NTKERNELAPI BOOLEAN NTAPI PsIsSystemProcess(PEPROCESS Process);

static VOID Devices(PCONTRACT t)
{
    PDEVICE_OBJECT list[8];
    ULONG count = 0, i, found = 0;

    CHECK_STATUS(IoEnumerateDeviceObjectList(Device->DriverObject, NULL, 0, &count), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ(count, 2);
    CHECK_STATUS(IoEnumerateDeviceObjectList(Device->DriverObject, list, sizeof(list), &count), STATUS_SUCCESS);
    for (i = 0; i < count; i++) {
        found += list[i] == Device;
        ObDereferenceObject(list[i]);
    }
    CHECK_EQ(found, 1);
}

static VOID Threads(PCONTRACT t)
{
    KPRIORITY priority = 12;
    ULONG short_one = 0;
    HANDLE opened;

    CHECK(PsGetCurrentThreadProcess() == PsGetThreadProcess(PsGetCurrentThread()));
    CHECK(PsGetCurrentThreadProcessId() == PsGetCurrentProcessId());
    CHECK_EQ(PsGetProcessSessionIdEx(PsInitialSystemProcess), (ULONG)-1);
    CHECK(PsIsSystemProcess(PsInitialSystemProcess) && !PsIsSystemProcess(PsGetCurrentProcess()));
    CHECK_STATUS(ObOpenObjectByPointer(PsGetCurrentThread(), OBJ_KERNEL_HANDLE, NULL, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &opened), STATUS_SUCCESS);
    CHECK_STATUS(ZwSetInformationThread(opened, ThreadPriority, &priority, sizeof(priority)), STATUS_SUCCESS);
    CHECK_EQ(KeQueryPriorityThread(KeGetCurrentThread()), 12);
    CHECK_STATUS(ZwSetInformationThread(opened, ThreadPriority, &priority, 2), STATUS_INFO_LENGTH_MISMATCH);
    priority = 99;
    CHECK_STATUS(ZwSetInformationThread(opened, ThreadPriority, &priority, sizeof(priority)), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(ZwSetInformationThread(opened, 0x7777, &short_one, sizeof(short_one)), STATUS_INVALID_INFO_CLASS);
    ZwClose(opened);
    CHECK(NT_SUCCESS(ZwYieldExecution()));
}

/* ---- requests for the device ---- */

static NTSTATUS Other(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (DeviceObject != Device)
        return ContractDefault(Irp);
    switch (stack->MajorFunction) {
    case IRP_MJ_CLEANUP:
        Cleanups++;
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_CLOSE:
        Closes++;
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_QUERY_VOLUME_INFORMATION:
        if (stack->Parameters.QueryVolume.FsInformationClass != FileFsSizeInformation)
            return ContractComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
        VolumeQueries++;
        ((PFILE_FS_SIZE_INFORMATION)Irp->AssociatedIrp.SystemBuffer)->BytesPerSector = 512;
        return ContractComplete(Irp, STATUS_SUCCESS, sizeof(FILE_FS_SIZE_INFORMATION));
    case IRP_MJ_SET_VOLUME_INFORMATION:
        VolumeSets += stack->Parameters.SetVolume.FsInformationClass == FileFsLabelInformation;
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_SET_INFORMATION:
        FileSets += stack->Parameters.SetFile.FileInformationClass == FileBasicInformation;
        return ContractComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_QUERY_INFORMATION:
        ((PFILE_BASIC_INFORMATION)Irp->AssociatedIrp.SystemBuffer)->FileAttributes = FILE_ATTRIBUTE_ARCHIVE;
        return ContractComplete(Irp, STATUS_SUCCESS, sizeof(FILE_BASIC_INFORMATION));
    default:
        return ContractDefault(Irp);
    }
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT ControlDevice, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = IoCreateDevice(DriverObject, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);

    UNREFERENCED_PARAMETER(ControlDevice);
    UNREFERENCED_PARAMETER(RegistryPath);
    if (NT_SUCCESS(status))
        Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return status;
}

static const CONTRACT_TEST Tests[] = {
    {"byte-range locks", Locks},
    {"locks that wait", Waiting},
    {"each lock", EachLock},
    {"hash tables", HashTables},
    {"altitudes", Altitudes},
    {"stream files", StreamFiles},
    {"volumes", Volumes},
    {"deletion", Deletion},
    {"directories", Directories},
    {"devices of a driver", Devices},
    {"threads", Threads},
};

const CONTRACT_AREA ContractArea = {Tests, sizeof(Tests) / sizeof(Tests[0]), Setup, NULL, Other};
