/* Registry callbacks: who is told of what, in which order, and what they can change. The tests note only what their own thread does. */
#include "contract_driver.h"

static UNICODE_STRING KeyName = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\SOFTWARE\\IrplabCallbacks");
static UNICODE_STRING Number = RTL_CONSTANT_STRING(L"Number");
static PDRIVER_OBJECT Driver;

typedef struct _WATCH {
    LARGE_INTEGER Cookie;
    PKTHREAD Thread; /* whose operations count */
    ULONG Count;
    struct {
        REG_NOTIFY_CLASS Class;
        NTSTATUS Status;
        PVOID CallContext, ObjectContext;
        ULONG Turn; /* of all watches */
    } Seen[16];
    REG_NOTIFY_CLASS On; /* the notification that is answered */
    NTSTATUS Answer, ReturnStatus;
    PVOID Leave; /* CallContext left at On */
    BOOLEAN Look; /* opens and closes a key by itself at On */
    PVOID Cleaned;
    PVOID Object;
    WCHAR Name[64];
    ULONG_PTR Id;
} WATCH, *PWATCH;

static ULONG Turns;

static PVOID *CallContextOf(REG_NOTIFY_CLASS Class, PVOID Argument)
{
    switch ((ULONG)Class) {
    case RegNtPreSetValueKey:
        return &((PREG_SET_VALUE_KEY_INFORMATION)Argument)->CallContext;
    case RegNtPreDeleteKey:
        return &((PREG_DELETE_KEY_INFORMATION)Argument)->CallContext;
    case RegNtPreCreateKeyEx:
    case RegNtPreOpenKeyEx:
        return &((PREG_CREATE_KEY_INFORMATION)Argument)->CallContext;
    default:
        return NULL;
    }
}

static BOOLEAN IsPost(REG_NOTIFY_CLASS Class)
{
    return (Class >= RegNtPostDeleteKey && Class <= RegNtPostKeyHandleClose) || Class == RegNtPostCreateKeyEx || Class == RegNtPostOpenKeyEx ||
           Class == RegNtPostFlushKey;
}

static VOID LookAround(VOID)
{
    HANDLE key;
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\SOFTWARE");

    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes)))
        ZwClose(key);
}

static EX_CALLBACK_FUNCTION Notify;
static NTSTATUS Notify(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PWATCH w = Context;
    REG_NOTIFY_CLASS class = (REG_NOTIFY_CLASS)(ULONG_PTR)Argument1;
    PREG_POST_OPERATION_INFORMATION post = Argument2;
    PVOID *callContext = CallContextOf(class, Argument2);

    if (w->Thread != KeGetCurrentThread())
        return STATUS_SUCCESS;
    if (class == RegNtCallbackObjectContextCleanup) {
        w->Cleaned = ((PREG_CALLBACK_CONTEXT_CLEANUP_INFORMATION)Argument2)->ObjectContext;
        return STATUS_SUCCESS;
    }
    if (w->Count < RTL_NUMBER_OF(w->Seen)) {
        w->Seen[w->Count].Class = class;
        w->Seen[w->Count].Turn = ++Turns;
        if (IsPost(class)) {
            w->Seen[w->Count].Status = post->Status;
            w->Seen[w->Count].CallContext = post->CallContext;
            w->Seen[w->Count].ObjectContext = post->ObjectContext;
        }
        w->Count++;
    }
    if (class == RegNtPreSetValueKey) {
        PREG_SET_VALUE_KEY_INFORMATION set = Argument2;
        PCUNICODE_STRING name;
        w->Object = set->Object;
        if (NT_SUCCESS(CmCallbackGetKeyObjectID(&w->Cookie, set->Object, &w->Id, &name)) && name->Length < sizeof(w->Name))
            RtlCopyMemory(w->Name, name->Buffer, name->Length);
    }
    if (class != w->On)
        return STATUS_SUCCESS;
    if (callContext)
        *callContext = w->Leave;
    if (w->Look)
        LookAround();
    if (IsPost(class))
        post->ReturnStatus = w->ReturnStatus;
    return w->Answer;
}

static VOID Clear(PWATCH w)
{
    LARGE_INTEGER cookie = w->Cookie;
    RtlZeroMemory(w, sizeof(*w));
    w->Cookie = cookie;
    w->Thread = KeGetCurrentThread();
    w->On = (REG_NOTIFY_CLASS)-1;
}

static NTSTATUS Register(PWATCH w, PCWSTR Altitude)
{
    UNICODE_STRING altitude;

    RtlInitUnicodeString(&altitude, Altitude);
    Clear(w);
    return CmRegisterCallbackEx(Notify, &altitude, Driver, w, &w->Cookie, NULL);
}

static NTSTATUS Create(PHANDLE Key)
{
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &KeyName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateKey(Key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
}

static NTSTATUS Set(HANDLE Key, ULONG Value)
{
    return ZwSetValueKey(Key, &Number, 0, REG_DWORD, &Value, sizeof(Value));
}

static NTSTATUS Get(HANDLE Key, PULONG Value)
{
    ULONG64 memory[4];
    ULONG length;
    PKEY_VALUE_PARTIAL_INFORMATION partial = (PKEY_VALUE_PARTIAL_INFORMATION)memory;
    NTSTATUS status = ZwQueryValueKey(Key, &Number, KeyValuePartialInformation, partial, sizeof(memory), &length);

    if (NT_SUCCESS(status))
        *Value = *(PULONG)partial->Data;
    return status;
}

static WATCH High, Mid, Low;

static VOID Notifications(PCONTRACT t)
{
    static const REG_NOTIFY_CLASS expected[] = {
        RegNtPreCreateKeyEx, RegNtPostCreateKeyEx, RegNtPreSetValueKey, RegNtPostSetValueKey, RegNtPreQueryValueKey, RegNtPostQueryValueKey,
        RegNtPreDeleteValueKey, RegNtPostDeleteValueKey, RegNtPreFlushKey, RegNtPostFlushKey, RegNtPreDeleteKey, RegNtPostDeleteKey,
        RegNtPreKeyHandleClose, RegNtPostKeyHandleClose,
    };
    HANDLE key;
    ULONG value = 0;

    CHECK_STATUS(Register(&Mid, L"370020"), STATUS_SUCCESS);
    CHECK_STATUS(Create(&key), STATUS_SUCCESS);
    CHECK_STATUS(Set(key, 7), STATUS_SUCCESS);
    CHECK(Mid.Object != NULL && Mid.Id != 0);
    CHECK(RtlCompareMemory(Mid.Name, L"\\REGISTRY\\MACHINE\\", 17 * sizeof(WCHAR)) == 17 * sizeof(WCHAR));
    CHECK_STATUS(Get(key, &value), STATUS_SUCCESS);
    CHECK_EQ(value, 7);
    CHECK_STATUS(ZwDeleteValueKey(key, &Number), STATUS_SUCCESS);
    CHECK_STATUS(ZwFlushKey(key), STATUS_SUCCESS);
    CHECK_STATUS(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
    CHECK_STATUS(CmUnRegisterCallback(Mid.Cookie), STATUS_SUCCESS);
    CHECK_EQ(Mid.Count, RTL_NUMBER_OF(expected));
    for (ULONG i = 0; i < RTL_NUMBER_OF(expected); i++)
        CHECK_EQ(Mid.Seen[i].Class, expected[i]);
    LookAround();
    CHECK_EQ(Mid.Count, RTL_NUMBER_OF(expected));
    CHECK_STATUS(CmUnRegisterCallback(Mid.Cookie), STATUS_INVALID_PARAMETER);
}

static VOID Blocking(PCONTRACT t)
{
    HANDLE key;
    ULONG value = 0;

    CHECK_STATUS(Create(&key), STATUS_SUCCESS);
    CHECK_STATUS(Register(&Mid, L"370020"), STATUS_SUCCESS);
    Mid.On = RegNtPreSetValueKey;
    Mid.Answer = STATUS_ACCESS_DENIED;
    CHECK_STATUS(Set(key, 1), STATUS_ACCESS_DENIED);
    CHECK_EQ(Mid.Count, 1); /* who stops it hears nothing of the end */
    CHECK_STATUS(Get(key, &value), STATUS_OBJECT_NAME_NOT_FOUND);
    Clear(&Mid);
    Mid.On = RegNtPreSetValueKey;
    Mid.Answer = STATUS_CALLBACK_BYPASS;
    CHECK_STATUS(Set(key, 1), STATUS_SUCCESS);
    CHECK_EQ(Mid.Count, 1);
    CHECK_STATUS(Get(key, &value), STATUS_OBJECT_NAME_NOT_FOUND); /* nobody set it */
    Clear(&Mid);
    Mid.On = RegNtPostSetValueKey;
    Mid.Answer = STATUS_CALLBACK_BYPASS;
    Mid.ReturnStatus = STATUS_ACCESS_DENIED;
    CHECK_STATUS(Set(key, 2), STATUS_ACCESS_DENIED);
    CHECK_STATUS(Mid.Seen[1].Status, STATUS_SUCCESS);
    CHECK_STATUS(Get(key, &value), STATUS_SUCCESS); /* too late */
    CHECK_EQ(value, 2);
    Clear(&Mid);
    Mid.On = RegNtPreCreateKeyEx;
    Mid.Answer = STATUS_ACCESS_DENIED;
    HANDLE second = NULL;
    CHECK_STATUS(Create(&second), STATUS_ACCESS_DENIED);
    CHECK_EQ(Mid.Count, 1);
    CHECK_STATUS(CmUnRegisterCallback(Mid.Cookie), STATUS_SUCCESS);
    CHECK_STATUS(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
}

static VOID Failures(PCONTRACT t)
{
    HANDLE key;
    OBJECT_ATTRIBUTES attributes;

    CHECK_STATUS(Register(&Mid, L"370020"), STATUS_SUCCESS);
    InitializeObjectAttributes(&attributes, &KeyName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwOpenKey(&key, KEY_READ, &attributes), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ(Mid.Count, 2);
    CHECK_EQ(Mid.Seen[0].Class, RegNtPreOpenKeyEx);
    CHECK_EQ(Mid.Seen[1].Class, RegNtPostOpenKeyEx);
    CHECK_STATUS(Mid.Seen[1].Status, STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(CmUnRegisterCallback(Mid.Cookie), STATUS_SUCCESS);
}

static VOID Altitudes(PCONTRACT t)
{
    HANDLE key;
    WATCH again;

    CHECK_STATUS(Create(&key), STATUS_SUCCESS);
    CHECK_STATUS(Register(&Low, L"370010"), STATUS_SUCCESS);
    CHECK_STATUS(Register(&High, L"370030"), STATUS_SUCCESS);
    CHECK_STATUS(Register(&Mid, L"370010.5"), STATUS_SUCCESS);
    CHECK_STATUS(Register(&again, L"370030"), STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    CHECK_STATUS(Set(key, 1), STATUS_SUCCESS);
    CHECK(High.Seen[0].Turn < Mid.Seen[0].Turn && Mid.Seen[0].Turn < Low.Seen[0].Turn);
    CHECK(Low.Seen[1].Turn < Mid.Seen[1].Turn && Mid.Seen[1].Turn < High.Seen[1].Turn);
    Clear(&High);
    Clear(&Mid);
    Clear(&Low);
    Mid.On = RegNtPreSetValueKey;
    Mid.Answer = STATUS_ACCESS_DENIED;
    CHECK_STATUS(Set(key, 1), STATUS_ACCESS_DENIED);
    CHECK_EQ(High.Count, 2);
    CHECK_STATUS(High.Seen[1].Status, STATUS_ACCESS_DENIED);
    CHECK_EQ(Mid.Count, 1);
    CHECK_EQ(Low.Count, 0);
    /* What a callback does itself is shown to those below it only. */
    Clear(&High);
    Clear(&Mid);
    Clear(&Low);
    Mid.On = RegNtPreSetValueKey;
    Mid.Look = TRUE;
    CHECK_STATUS(Set(key, 1), STATUS_SUCCESS);
    CHECK_EQ(High.Count, 2);
    CHECK_EQ(Mid.Count, 2);
    CHECK_EQ(Low.Count, 6);
    CHECK_STATUS(CmUnRegisterCallback(Low.Cookie), STATUS_SUCCESS);
    CHECK_STATUS(CmUnRegisterCallback(Mid.Cookie), STATUS_SUCCESS);
    CHECK_STATUS(CmUnRegisterCallback(High.Cookie), STATUS_SUCCESS);
    CHECK_STATUS(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
}

static VOID Contexts(PCONTRACT t)
{
    HANDLE key;
    PVOID old = &key, object;

    CHECK_STATUS(Create(&key), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(key, 0, NULL, KernelMode, &object, NULL), STATUS_SUCCESS);
    CHECK_STATUS(Register(&Mid, L"370020"), STATUS_SUCCESS);
    CHECK_STATUS(Register(&High, L"370030"), STATUS_SUCCESS);
    CHECK_STATUS(CmSetCallbackObjectContext(object, &Mid.Cookie, &Mid, &old), STATUS_SUCCESS);
    CHECK(old == NULL);
    CHECK_STATUS(CmSetCallbackObjectContext(object, &Mid.Cookie, &Low, &old), STATUS_SUCCESS);
    CHECK(old == &Mid);
    Mid.On = High.On = RegNtPreSetValueKey;
    Mid.Leave = &Mid;
    High.Leave = &High;
    CHECK_STATUS(Set(key, 1), STATUS_SUCCESS);
    CHECK(Mid.Seen[1].CallContext == &Mid && High.Seen[1].CallContext == &High); /* everybody has his own */
    CHECK(Mid.Seen[1].ObjectContext == &Low && High.Seen[1].ObjectContext == NULL);
    CHECK(CmGetBoundTransaction(&Mid.Cookie, object) == NULL);
    CHECK_STATUS(ZwDeleteKey(key), STATUS_SUCCESS);
    ObDereferenceObject(object);
    CHECK(Mid.Cleaned == NULL);
    ZwClose(key);
    CHECK(Mid.Cleaned == &Low);
    CHECK_STATUS(CmUnRegisterCallback(Mid.Cookie), STATUS_SUCCESS);
    /* A callback that goes gets its contexts back as well. */
    CHECK_STATUS(Create(&key), STATUS_SUCCESS);
    CHECK_STATUS(ObReferenceObjectByHandle(key, 0, NULL, KernelMode, &object, NULL), STATUS_SUCCESS);
    CHECK_STATUS(CmSetCallbackObjectContext(object, &High.Cookie, &Low, NULL), STATUS_SUCCESS);
    CHECK_STATUS(CmUnRegisterCallback(High.Cookie), STATUS_SUCCESS);
    CHECK(High.Cleaned == &Low);
    ObDereferenceObject(object);
    CHECK_STATUS(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
}

/* A key that was opened is not given to the caller after all; one that is not there is replaced by another. */
static LARGE_INTEGER SwapCookie;
static PKTHREAD SwapThread;
static BOOLEAN SwapToError;

static EX_CALLBACK_FUNCTION Swap;
static NTSTATUS Swap(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PREG_POST_OPERATION_INFORMATION post = Argument2;
    PREG_OPEN_KEY_INFORMATION pre;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\SOFTWARE");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;
    PVOID object;

    UNREFERENCED_PARAMETER(Context);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1 != RegNtPostOpenKeyEx || SwapThread != KeGetCurrentThread())
        return STATUS_SUCCESS;
    pre = post->PreInformation;
    if (SwapToError) {
        if (!NT_SUCCESS(post->Status))
            return STATUS_SUCCESS;
        ObDereferenceObject(post->Object);
        post->Object = NULL;
        *pre->ResultObject = NULL;
        post->ReturnStatus = STATUS_ACCESS_DENIED;
        return STATUS_CALLBACK_BYPASS;
    }
    if (post->Status != STATUS_OBJECT_NAME_NOT_FOUND || post->Object)
        return STATUS_SUCCESS;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes)))
        return STATUS_SUCCESS;
    if (NT_SUCCESS(ObReferenceObjectByHandle(key, KEY_READ, NULL, KernelMode, &object, NULL))) {
        *pre->ResultObject = object;
        pre->GrantedAccess = KEY_READ;
        post->Object = object;
        post->ReturnStatus = STATUS_SUCCESS;
        ZwClose(key);
        return STATUS_CALLBACK_BYPASS;
    }
    ZwClose(key);
    return STATUS_SUCCESS;
}

static VOID Swapping(PCONTRACT t)
{
    UNICODE_STRING altitude = RTL_CONSTANT_STRING(L"370020");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key, again;
    ULONG64 memory[64];
    PKEY_NAME_INFORMATION name = (PKEY_NAME_INFORMATION)memory;
    ULONG length;

    SwapThread = KeGetCurrentThread();
    InitializeObjectAttributes(&attributes, &KeyName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    SwapToError = FALSE;
    CHECK_STATUS(CmRegisterCallbackEx(Swap, &altitude, Driver, NULL, &SwapCookie, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ZwOpenKey(&key, KEY_READ, &attributes), STATUS_SUCCESS);
    CHECK_STATUS(ZwQueryKey(key, KeyNameInformation, name, sizeof(memory), &length), STATUS_SUCCESS);
    CHECK_EQ(name->NameLength, 26 * sizeof(WCHAR)); /* \REGISTRY\MACHINE\SOFTWARE */
    ZwClose(key);
    CHECK_STATUS(Create(&key), STATUS_SUCCESS);
    SwapToError = TRUE;
    CHECK_STATUS(ZwOpenKey(&again, KEY_READ, &attributes), STATUS_ACCESS_DENIED);
    CHECK_STATUS(CmUnRegisterCallback(SwapCookie), STATUS_SUCCESS);
    CHECK_STATUS(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
}

static VOID Renaming(PCONTRACT t)
{
    HANDLE key, again;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"IrplabRenamed"), whole = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\SOFTWARE\\IrplabRenamed");
    OBJECT_ATTRIBUTES attributes;

    CHECK_STATUS(Create(&key), STATUS_SUCCESS);
    CHECK_STATUS(Register(&Mid, L"370020"), STATUS_SUCCESS);
    CHECK_STATUS(ZwRenameKey(key, &name), STATUS_SUCCESS);
    CHECK_EQ(Mid.Count, 2);
    CHECK_EQ(Mid.Seen[0].Class, RegNtPreRenameKey);
    CHECK_EQ(Mid.Seen[1].Class, RegNtPostRenameKey);
    CHECK_STATUS(CmUnRegisterCallback(Mid.Cookie), STATUS_SUCCESS);
    InitializeObjectAttributes(&attributes, &whole, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwOpenKey(&again, KEY_READ, &attributes), STATUS_SUCCESS);
    ZwClose(again);
    CHECK_STATUS(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
}

/* ---- what programs do: a value named Forbidden cannot be set, and everything is counted ---- */

static LARGE_INTEGER GuardCookie;
static LONG Denied;

static EX_CALLBACK_FUNCTION Guard;
static NTSTATUS Guard(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNICODE_STRING forbidden = RTL_CONSTANT_STRING(L"Forbidden");
    PREG_SET_VALUE_KEY_INFORMATION set = Argument2;

    UNREFERENCED_PARAMETER(Context);
    if ((REG_NOTIFY_CLASS)(ULONG_PTR)Argument1 != RegNtPreSetValueKey || !RtlEqualUnicodeString(set->ValueName, &forbidden, TRUE))
        return STATUS_SUCCESS;
    InterlockedIncrement(&Denied);
    return STATUS_ACCESS_DENIED;
}

static NTSTATUS Other(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(Device);
    if (location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        return ContractDefault(Irp);
    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_AREA(0, METHOD_BUFFERED):
        return ContractComplete(Irp, CmRegisterCallback(Guard, NULL, &GuardCookie), 0);
    case IOCTL_AREA(1, METHOD_BUFFERED):
        *(PULONG)Irp->AssociatedIrp.SystemBuffer = (ULONG)Denied;
        return ContractComplete(Irp, CmUnRegisterCallback(GuardCookie), sizeof(ULONG));
    default:
        return ContractDefault(Irp);
    }
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(RegistryPath);
    Driver = DriverObject;
    return STATUS_SUCCESS;
}

static const CONTRACT_TEST Tests[] = {
    {"notifications", Notifications}, {"blocking, bypassing, changing the status", Blocking}, {"operations that fail", Failures},
    {"altitudes", Altitudes}, {"contexts", Contexts}, {"other keys", Swapping}, {"renaming", Renaming},
};

const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests), .Setup = Setup, .Other = Other};
