/* Named kernel objects through Zw services and the object manager's functions on handles, pointers and names. */
#include "contract_driver.h"

NTKERNELAPI NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo, ULONG Length, PULONG ReturnLength);

static OBJECT_ATTRIBUTES Named(PUNICODE_STRING Name, ULONG Attributes)
{
    OBJECT_ATTRIBUTES oa;

    InitializeObjectAttributes(&oa, Name, OBJ_KERNEL_HANDLE | Attributes, NULL, NULL);
    return oa;
}

static VOID Events(PCONTRACT t)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ContractEvent"), wrong = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ContractNothing");
    OBJECT_ATTRIBUTES oa = Named(&name, OBJ_CASE_INSENSITIVE), none = Named(&wrong, 0);
    HANDLE event, again;
    LONG was = 77;
    LARGE_INTEGER now = {.QuadPart = 0};
    PKEVENT object;

    CHECK_STATUS(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE), STATUS_SUCCESS);
    CHECK_STATUS(ZwWaitForSingleObject(event, FALSE, &now), STATUS_TIMEOUT);
    CHECK_STATUS(ZwSetEvent(event, &was), STATUS_SUCCESS);
    CHECK_EQ(was, 0);
    CHECK_STATUS(ZwSetEvent(event, &was), STATUS_SUCCESS);
    CHECK_EQ(was, 1);
    CHECK_STATUS(ZwWaitForSingleObject(event, FALSE, &now), STATUS_SUCCESS);
    CHECK_STATUS(ZwResetEvent(event, &was), STATUS_SUCCESS);
    CHECK_EQ(was, 1);
    CHECK_STATUS(ZwWaitForSingleObject(event, FALSE, &now), STATUS_TIMEOUT);
    CHECK_STATUS(ZwOpenEvent(&again, EVENT_ALL_ACCESS, &oa), STATUS_SUCCESS);
    CHECK(again != event);
    CHECK_STATUS(ZwSetEvent(again, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ZwWaitForSingleObject(event, FALSE, &now), STATUS_SUCCESS);
    CHECK_STATUS(ZwClearEvent(event), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(event, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, (PVOID *)&object, NULL), STATUS_SUCCESS);
    CHECK_EQ(KeReadStateEvent(object), 0);
    KeSetEvent(object, IO_NO_INCREMENT, FALSE);
    CHECK_STATUS(ZwWaitForSingleObject(again, FALSE, &now), STATUS_SUCCESS);
    ObDereferenceObject(object);
    CHECK_STATUS(ZwClose(again), STATUS_SUCCESS);
    CHECK_STATUS(ZwOpenEvent(&again, EVENT_ALL_ACCESS, &none), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(ZwCreateEvent(&again, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE), STATUS_OBJECT_NAME_COLLISION);
    oa.Attributes |= OBJ_OPENIF;
    CHECK_STATUS(ZwCreateEvent(&again, EVENT_ALL_ACCESS, &oa, SynchronizationEvent, FALSE), STATUS_OBJECT_NAME_EXISTS);
    CHECK_STATUS(ZwClose(again), STATUS_SUCCESS);
    CHECK_STATUS(ZwClose(event), STATUS_SUCCESS);
    CHECK_STATUS(ZwOpenEvent(&again, EVENT_ALL_ACCESS, &oa), STATUS_OBJECT_NAME_NOT_FOUND); /* went with its last handle */
}

static VOID WrongType(PCONTRACT t)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ContractTyped");
    OBJECT_ATTRIBUTES oa = Named(&name, 0);
    HANDLE event, timer;
    PVOID object = (PVOID)1;

    CHECK_STATUS(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &oa, SynchronizationEvent, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(ZwOpenTimer(&timer, TIMER_ALL_ACCESS, &oa), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(ZwCancelTimer(event, NULL), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(ObReferenceObjectByHandle(event, 0, *PsThreadType, KernelMode, &object, NULL), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(object == NULL);
    CHECK_STATUS(ZwClose(event), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle((HANDLE)(ULONG_PTR)0x7654320, 0, NULL, KernelMode, &object, NULL), STATUS_INVALID_HANDLE);
}

static VOID Timers(PCONTRACT t)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ContractTimer");
    OBJECT_ATTRIBUTES oa = Named(&name, 0);
    HANDLE timer, again;
    LARGE_INTEGER due = ContractMs(20), now = {.QuadPart = 0}, long_time = ContractMs(5000);
    BOOLEAN state = 77;

    CHECK_STATUS(ZwCreateTimer(&timer, TIMER_ALL_ACCESS, &oa, NotificationTimer), STATUS_SUCCESS);
    CHECK_STATUS(ZwOpenTimer(&again, TIMER_ALL_ACCESS, &oa), STATUS_SUCCESS);
    CHECK_STATUS(ZwSetTimer(timer, &due, NULL, NULL, FALSE, 0, &state), STATUS_SUCCESS);
    CHECK_EQ(state, 0);
    CHECK_STATUS(ZwWaitForSingleObject(again, FALSE, &now), STATUS_TIMEOUT);
    CHECK_STATUS(ZwWaitForSingleObject(again, FALSE, &long_time), STATUS_SUCCESS);
    CHECK_STATUS(ZwCancelTimer(timer, &state), STATUS_SUCCESS);
    CHECK_EQ(state, 1);
    CHECK_STATUS(ZwSetTimer(timer, &long_time, NULL, NULL, FALSE, 0, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ZwWaitForSingleObject(again, FALSE, &now), STATUS_TIMEOUT); /* setting it resets it */
    CHECK_STATUS(ZwCancelTimer(timer, &state), STATUS_SUCCESS);
    CHECK_EQ(state, 0);
    CHECK_STATUS(ZwWaitForSingleObject(again, FALSE, &due), STATUS_TIMEOUT);
    CHECK_STATUS(ZwSetTimer(timer, &due, NULL, NULL, FALSE, -1, NULL), STATUS_INVALID_PARAMETER_6);
    ZwClose(again);
    ZwClose(timer);
}

static VOID Names(PCONTRACT t)
{
    UNICODE_STRING folder = RTL_CONSTANT_STRING(L"\\ContractFolder"), inside = RTL_CONSTANT_STRING(L"\\ContractFolder\\One"),
                   link = RTL_CONSTANT_STRING(L"\\ContractFolder\\Link"), through = RTL_CONSTANT_STRING(L"\\ContractFolder\\link");
    OBJECT_ATTRIBUTES fa = Named(&folder, 0), ia = Named(&inside, 0), la = Named(&link, 0), ta = Named(&through, OBJ_CASE_INSENSITIVE), rel;
    UNICODE_STRING one = RTL_CONSTANT_STRING(L"One"), target;
    HANDLE dir, event, sym, other;
    WCHAR buffer[100];
    ULONG length = 0;
    PVOID object;
    union {
        OBJECT_NAME_INFORMATION info;
        UCHAR room[200];
    } name;

    CHECK_STATUS(ZwCreateDirectoryObject(&dir, DIRECTORY_ALL_ACCESS, &fa), STATUS_SUCCESS);
    CHECK_STATUS(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &ia, NotificationEvent, FALSE), STATUS_SUCCESS);
    InitializeObjectAttributes(&rel, &one, OBJ_KERNEL_HANDLE, dir, NULL);
    CHECK_STATUS(ZwOpenEvent(&other, EVENT_ALL_ACCESS, &rel), STATUS_SUCCESS);
    ZwClose(other);
    CHECK_STATUS(ZwCreateSymbolicLinkObject(&sym, SYMBOLIC_LINK_ALL_ACCESS, &la, &inside), STATUS_SUCCESS);
    CHECK_STATUS(ZwOpenEvent(&other, EVENT_ALL_ACCESS, &ta), STATUS_SUCCESS); /* follows the link, in any case */
    ZwClose(other);
    target.Buffer = buffer;
    target.Length = 0;
    target.MaximumLength = sizeof(buffer);
    CHECK_STATUS(ZwQuerySymbolicLinkObject(sym, &target, &length), STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&target, &inside, FALSE));
    target.MaximumLength = 4;
    CHECK_STATUS(ZwQuerySymbolicLinkObject(sym, &target, &length), STATUS_BUFFER_TOO_SMALL);
    CHECK_STATUS(ObReferenceObjectByHandle(event, 0, *ExEventObjectType, KernelMode, &object, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ObQueryNameString(object, &name.info, sizeof(name), &length), STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&name.info.Name, &inside, FALSE));
    CHECK_STATUS(ObQueryNameString(object, &name.info, 8, &length), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_EQ(length, sizeof(OBJECT_NAME_INFORMATION) + inside.Length + sizeof(WCHAR));
    ObDereferenceObject(object);
    ZwClose(sym);
    ZwClose(event);
    ZwClose(dir);
    CHECK_STATUS(ZwOpenDirectoryObject(&dir, DIRECTORY_QUERY, &fa), STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID Permanent(PCONTRACT t)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ContractStays");
    OBJECT_ATTRIBUTES oa = Named(&name, OBJ_PERMANENT), plain = Named(&name, 0);
    HANDLE event;

    CHECK_STATUS(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE), STATUS_SUCCESS);
    ZwClose(event);
    CHECK_STATUS(ZwOpenEvent(&event, EVENT_ALL_ACCESS | DELETE, &plain), STATUS_SUCCESS);
    CHECK_STATUS(ZwMakeTemporaryObject(event), STATUS_SUCCESS);
    ZwClose(event);
    CHECK_STATUS(ZwOpenEvent(&event, EVENT_ALL_ACCESS, &plain), STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID Pointers(PCONTRACT t)
{
    OBJECT_ATTRIBUTES oa = Named(NULL, 0);
    HANDLE event, again, copy;
    PVOID object, same;
    LONG was;

    CHECK_STATUS(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(event, 0, NULL, KernelMode, &object, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByPointer(object, 0, *PsProcessType, KernelMode), STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(ObReferenceObjectByPointer(object, 0, *ExEventObjectType, KernelMode), STATUS_SUCCESS);
    ObDereferenceObject(object);
    CHECK_STATUS(ObOpenObjectByPointer(object, OBJ_KERNEL_HANDLE, NULL, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, &again), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandleWithTag(again, 0, *ExEventObjectType, KernelMode, CONTRACT_TAG, &same, NULL), STATUS_SUCCESS);
    CHECK(same == object);
    ObDereferenceObjectWithTag(same, CONTRACT_TAG);
    CHECK_STATUS(ZwDuplicateObject(ZwCurrentProcess(), again, ZwCurrentProcess(), &copy, 0, OBJ_KERNEL_HANDLE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE),
                 STATUS_SUCCESS);
    CHECK_STATUS(ZwSetEvent(copy, &was), STATUS_SUCCESS);
    CHECK_EQ(KeReadStateEvent(object), 1);
    ZwClose(copy);
    ZwClose(event);
    CHECK_EQ(KeReadStateEvent(object), 1); /* the pointer keeps it */
    ObReferenceObject(object);
    ObDereferenceObjectDeferDelete(object);
    ObDereferenceObject(object);
}

static VOID Waits(PCONTRACT t)
{
    OBJECT_ATTRIBUTES oa = Named(NULL, 0);
    HANDLE events[3];
    LARGE_INTEGER now = {.QuadPart = 0};
    ULONG i;

    for (i = 0; i < 3; i++)
        CHECK_STATUS(ZwCreateEvent(&events[i], EVENT_ALL_ACCESS, &oa, SynchronizationEvent, FALSE), STATUS_SUCCESS);
    CHECK_STATUS(ZwWaitForMultipleObjects(3, events, WaitAny, FALSE, &now), STATUS_TIMEOUT);
    ZwSetEvent(events[2], NULL);
    ZwSetEvent(events[1], NULL);
    CHECK_STATUS(ZwWaitForMultipleObjects(3, events, WaitAll, FALSE, &now), STATUS_TIMEOUT);
    CHECK_STATUS(ZwWaitForMultipleObjects(3, events, WaitAny, FALSE, &now), STATUS_WAIT_1);
    CHECK_STATUS(ZwWaitForMultipleObjects(3, events, WaitAny, FALSE, &now), STATUS_WAIT_2);
    for (i = 0; i < 3; i++)
        ZwSetEvent(events[i], NULL);
    CHECK_STATUS(ZwWaitForMultipleObjects(3, events, WaitAll, FALSE, &now), STATUS_SUCCESS);
    CHECK_STATUS(ZwWaitForMultipleObjects(3, events, WaitAny, FALSE, &now), STATUS_TIMEOUT);
    CHECK_STATUS(ZwWaitForMultipleObjects(0, events, WaitAny, FALSE, &now), STATUS_INVALID_PARAMETER_1);
    CHECK_STATUS(ZwWaitForMultipleObjects(MAXIMUM_WAIT_OBJECTS + 1, events, WaitAny, FALSE, &now), STATUS_INVALID_PARAMETER_1);
    for (i = 0; i < 3; i++)
        ZwClose(events[i]);
}

static VOID AboutObjects(PCONTRACT t)
{
    OBJECT_ATTRIBUTES oa = Named(NULL, 0);
    HANDLE event, two;
    union {
        PUBLIC_OBJECT_BASIC_INFORMATION basic;
        PUBLIC_OBJECT_TYPE_INFORMATION type;
        UCHAR room[256];
    } info;
    UNICODE_STRING wanted = RTL_CONSTANT_STRING(L"Event");
    ULONG length;

    CHECK_STATUS(ZwCreateEvent(&event, SYNCHRONIZE | EVENT_MODIFY_STATE, &oa, NotificationEvent, FALSE), STATUS_SUCCESS);
    CHECK_STATUS(ZwDuplicateObject(ZwCurrentProcess(), event, ZwCurrentProcess(), &two, 0, OBJ_KERNEL_HANDLE, DUPLICATE_SAME_ACCESS), STATUS_SUCCESS);
    CHECK_STATUS(ZwQueryObject(event, ObjectBasicInformation, &info, sizeof(info.basic), &length), STATUS_SUCCESS);
    CHECK_EQ(info.basic.HandleCount, 2);
    CHECK_EQ(info.basic.GrantedAccess, SYNCHRONIZE | EVENT_MODIFY_STATE);
    CHECK_EQ(length, sizeof(info.basic));
    CHECK_STATUS(ZwQueryObject(event, ObjectBasicInformation, &info, 8, &length), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS(ZwQueryObject(event, ObjectTypeInformation, &info, sizeof(info), &length), STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&info.type.TypeName, &wanted, FALSE));
    CHECK_STATUS(ZwQueryObject((HANDLE)(ULONG_PTR)0x7654320, ObjectTypeInformation, &info, sizeof(info), &length), STATUS_INVALID_HANDLE);
    ZwClose(two);
    ZwClose(event);
}

static VOID Directories(PCONTRACT t)
{
    UNICODE_STRING folder = RTL_CONSTANT_STRING(L"\\ContractListed"), a = RTL_CONSTANT_STRING(L"a"), b = RTL_CONSTANT_STRING(L"b");
    OBJECT_ATTRIBUTES oa = Named(&folder, 0), below;
    HANDLE dir, events[2];
    ULONG context = 0, length, seen = 0;
    struct {
        UNICODE_STRING Name, TypeName;
        UCHAR room[200];
    } entry;
    NTSTATUS status;

    CHECK_STATUS(ZwCreateDirectoryObject(&dir, DIRECTORY_ALL_ACCESS, &oa), STATUS_SUCCESS);
    CHECK_STATUS(ZwQueryDirectoryObject(dir, &entry, sizeof(entry), TRUE, TRUE, &context, &length), STATUS_NO_MORE_ENTRIES);
    InitializeObjectAttributes(&below, &a, OBJ_KERNEL_HANDLE, dir, NULL);
    CHECK_STATUS(ZwCreateEvent(&events[0], EVENT_ALL_ACCESS, &below, NotificationEvent, FALSE), STATUS_SUCCESS);
    InitializeObjectAttributes(&below, &b, OBJ_KERNEL_HANDLE, dir, NULL);
    CHECK_STATUS(ZwCreateEvent(&events[1], EVENT_ALL_ACCESS, &below, NotificationEvent, FALSE), STATUS_SUCCESS);
    while (NT_SUCCESS(status = ZwQueryDirectoryObject(dir, &entry, sizeof(entry), TRUE, seen == 0, &context, &length)) && seen < 5) {
        CHECK(RtlEqualUnicodeString(&entry.Name, &a, FALSE) || RtlEqualUnicodeString(&entry.Name, &b, FALSE));
        seen++;
    }
    CHECK_STATUS(status, STATUS_NO_MORE_ENTRIES);
    CHECK_EQ(seen, 2);
    ZwClose(events[0]);
    ZwClose(events[1]);
    ZwClose(dir);
}

static VOID LinkOutlivesName(PCONTRACT t)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\??\\ContractGone"), target = RTL_CONSTANT_STRING(L"\\Device\\Nothing"), is;
    OBJECT_ATTRIBUTES oa = Named(&link, OBJ_CASE_INSENSITIVE);
    HANDLE handle, again;
    WCHAR buffer[40];

    CHECK_STATUS(IoCreateSymbolicLink(&link, &target), STATUS_SUCCESS);
    CHECK_STATUS(ZwOpenSymbolicLinkObject(&handle, SYMBOLIC_LINK_QUERY, &oa), STATUS_SUCCESS);
    CHECK_STATUS(IoDeleteSymbolicLink(&link), STATUS_SUCCESS);
    is.Buffer = buffer;
    is.MaximumLength = sizeof(buffer);
    CHECK_STATUS(ZwQuerySymbolicLinkObject(handle, &is, NULL), STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&is, &target, FALSE));
    ZwClose(handle);
    CHECK_STATUS(ZwOpenSymbolicLinkObject(&again, SYMBOLIC_LINK_QUERY, &oa), STATUS_OBJECT_NAME_NOT_FOUND);
}

/* In the context of the program that sent the request. */
static VOID VirtualMemory(PCONTRACT t)
{
    PVOID base = NULL, part;
    SIZE_T size = 3 * PAGE_SIZE - 100;
    NTSTATUS status = STATUS_SUCCESS;

    CHECK_STATUS(ZwAllocateVirtualMemory(ZwCurrentProcess(), &base, 0, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
    CHECK(base != NULL && base < MmHighestUserAddress && ((ULONG_PTR)base & 0xFFFF) == 0);
    CHECK_EQ(size, 3 * PAGE_SIZE);
    __try {
        ProbeForWrite(base, size, 1);
        RtlFillMemory(base, size, 0x5A);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK_STATUS(status, STATUS_SUCCESS);
    part = (PUCHAR)base + PAGE_SIZE;
    size = PAGE_SIZE;
    CHECK_STATUS(ZwFreeVirtualMemory(ZwCurrentProcess(), &part, &size, MEM_DECOMMIT), STATUS_SUCCESS);
    __try {
        *(volatile UCHAR *)part = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK_STATUS(status, STATUS_ACCESS_VIOLATION);
    size = 0;
    CHECK_STATUS(ZwFreeVirtualMemory(ZwCurrentProcess(), &base, &size, MEM_RELEASE), STATUS_SUCCESS);
    CHECK_EQ(size, 3 * PAGE_SIZE);
    CHECK_STATUS(ZwFreeVirtualMemory(ZwCurrentProcess(), &base, &size, MEM_DECOMMIT), STATUS_MEMORY_NOT_ALLOCATED);
    size = 0;
    base = NULL;
    CHECK(!NT_SUCCESS(ZwAllocateVirtualMemory(ZwCurrentProcess(), &base, 0, &size, MEM_COMMIT, PAGE_READWRITE)));
}

static const CONTRACT_TEST Tests[] = {
    {"events", Events}, {"wrong types", WrongType}, {"timers", Timers}, {"names", Names},
    {"permanent objects", Permanent}, {"pointers and handles", Pointers}, {"waits on handles", Waits},
    {"about objects", AboutObjects},     {"directories", Directories},     {"a link outlives its name", LinkOutlivesName},
    {"virtual memory", VirtualMemory},
};

const CONTRACT_AREA ContractArea = {.Tests = Tests, .Count = RTL_NUMBER_OF(Tests)};
