/* Kernel transactions: keys that a transaction makes, and what enlistments hear of its end. */
#include "contract_driver.h"

#define PARENT L"\\Registry\\Machine\\SOFTWARE"

static HANDLE Manager, Resource;

typedef struct _LISTENER {
    HANDLE Handle;
    PKENLISTMENT Object;
    ULONG Heard[8], Count;
    ULONG Leave; /* the notification that the routine does not answer */
    ULONG RollBackAt, ReadOnlyAt;
    NTSTATUS Early; /* what an answer that nobody asked for gave */
} LISTENER, *PLISTENER;

static NTSTATUS Answer(PKENLISTMENT Enlistment, ULONG Notification, PLARGE_INTEGER Clock)
{
    switch (Notification) {
    case TRANSACTION_NOTIFY_PREPREPARE:
        return TmPrePrepareComplete(Enlistment, Clock);
    case TRANSACTION_NOTIFY_PREPARE:
        return TmPrepareComplete(Enlistment, Clock);
    case TRANSACTION_NOTIFY_COMMIT:
        return TmCommitComplete(Enlistment, Clock);
    default:
        return TmRollbackComplete(Enlistment, Clock);
    }
}

static NTSTATUS NTAPI Listen(PKENLISTMENT Enlistment, PVOID RMContext, PVOID TransactionContext, ULONG Notification, PLARGE_INTEGER Clock, ULONG Length,
                             PVOID Argument)
{
    PLISTENER l = TransactionContext;

    UNREFERENCED_PARAMETER(Length);
    UNREFERENCED_PARAMETER(Argument);
    l->Object = Enlistment;
    if (RMContext == &Resource && l->Count < RTL_NUMBER_OF(l->Heard))
        l->Heard[l->Count++] = Notification;
    l->Early = TmCommitComplete(Enlistment, Clock);
    if (Notification == TRANSACTION_NOTIFY_COMMIT || Notification == l->Leave)
        return STATUS_SUCCESS;
    if (Notification == l->RollBackAt)
        return TmRollbackEnlistment(Enlistment, Clock);
    if (Notification == l->ReadOnlyAt)
        return TmReadOnlyEnlistment(Enlistment, Clock);
    return Answer(Enlistment, Notification, Clock);
}

static OBJECT_ATTRIBUTES Nameless = {sizeof(OBJECT_ATTRIBUTES), NULL, NULL, OBJ_KERNEL_HANDLE, NULL, NULL};

static HANDLE Begin(PCONTRACT t)
{
    HANDLE transaction = NULL;

    CHECK_STATUS(ZwCreateTransaction(&transaction, TRANSACTION_ALL_ACCESS, &Nameless, NULL, NULL, 0, 0, 0, NULL, NULL), STATUS_SUCCESS);
    return transaction;
}

static VOID Enlist(PCONTRACT t, PLISTENER l, HANDLE transaction, ULONG mask)
{
    CHECK_STATUS(ZwCreateEnlistment(&l->Handle, ENLISTMENT_SUBORDINATE_RIGHTS, Resource, transaction, &Nameless, 0, mask, l), STATUS_SUCCESS);
}

/* Opens (or makes) a key; in a transaction unless that is NULL. */
static NTSTATUS Key(HANDLE transaction, HANDLE root, PCWSTR name, BOOLEAN make, PHANDLE key)
{
    UNICODE_STRING text;
    OBJECT_ATTRIBUTES attributes;

    RtlInitUnicodeString(&text, name);
    InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root, NULL);
    if (transaction)
        return make ? ZwCreateKeyTransacted(key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, transaction, NULL)
                    : ZwOpenKeyTransacted(key, KEY_ALL_ACCESS, &attributes, transaction);
    return make ? ZwCreateKey(key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, NULL) : ZwOpenKey(key, KEY_ALL_ACCESS, &attributes);
}

static NTSTATUS Look(HANDLE transaction, PCWSTR name)
{
    HANDLE key;
    NTSTATUS status = Key(transaction, NULL, name, FALSE, &key);
    if (NT_SUCCESS(status))
        ZwClose(key);
    return status;
}

static VOID Remove(PCWSTR name)
{
    HANDLE key;
    if (NT_SUCCESS(Key(NULL, NULL, name, FALSE, &key))) {
        ZwDeleteKey(key);
        ZwClose(key);
    }
}

static ULONG SubKeys(PCONTRACT t, HANDLE key)
{
    UCHAR buffer[512];
    ULONG n;

    CHECK_STATUS(ZwQueryKey(key, KeyFullInformation, buffer, sizeof(buffer), &n), STATUS_SUCCESS);
    return ((PKEY_FULL_INFORMATION)buffer)->SubKeys;
}

static VOID Committed(PCONTRACT t)
{
    HANDLE transaction = Begin(t), key, below, other;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Value");
    ULONG value = 7;

    CHECK_STATUS(Key(transaction, NULL, PARENT L"\\TxParent", TRUE, &key), STATUS_SUCCESS);
    CHECK_STATUS(Key(NULL, key, L"Below", TRUE, &below), STATUS_SUCCESS); /* below such a key everything belongs to the transaction */
    CHECK_STATUS(ZwSetValueKey(below, &name, 0, REG_DWORD, &value, sizeof(value)), STATUS_SUCCESS);
    CHECK_STATUS(Look(NULL, PARENT L"\\TxParent"), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(Look(NULL, PARENT L"\\TxParent\\Below"), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(Look(transaction, PARENT L"\\TxParent\\Below"), STATUS_SUCCESS);
    CHECK_STATUS(Key(NULL, NULL, PARENT L"\\TxParent", TRUE, &other), STATUS_TRANSACTIONAL_CONFLICT);
    CHECK_EQ(SubKeys(t, key), 1);
    CHECK_STATUS(ZwCommitTransaction(transaction, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(ZwSetValueKey(below, &name, 0, REG_DWORD, &value, sizeof(value)), STATUS_TRANSACTION_NOT_ACTIVE);
    CHECK_STATUS(ZwCommitTransaction(transaction, TRUE), STATUS_TRANSACTION_ALREADY_COMMITTED);
    CHECK_STATUS(Key(transaction, NULL, PARENT L"\\TxOther", TRUE, &other), STATUS_TRANSACTION_NOT_ACTIVE);
    CHECK_STATUS(Look(NULL, PARENT L"\\TxParent\\Below"), STATUS_SUCCESS);
    ZwClose(below);
    ZwClose(key);
    ZwClose(transaction);
    Remove(PARENT L"\\TxParent\\Below");
    Remove(PARENT L"\\TxParent");
    CHECK_STATUS(Look(NULL, PARENT L"\\TxParent"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID RolledBack(PCONTRACT t)
{
    HANDLE transaction = Begin(t), parent, key, below;
    ULONG before;

    CHECK_STATUS(Key(NULL, NULL, PARENT, FALSE, &parent), STATUS_SUCCESS);
    before = SubKeys(t, parent);
    CHECK_STATUS(Key(transaction, NULL, PARENT L"\\TxGone", TRUE, &key), STATUS_SUCCESS);
    CHECK_STATUS(Key(NULL, key, L"Below", TRUE, &below), STATUS_SUCCESS);
    CHECK_EQ(SubKeys(t, parent), before);
    CHECK_STATUS(ZwRollbackTransaction(transaction, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(Look(NULL, PARENT L"\\TxGone"), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(ZwCommitTransaction(transaction, TRUE), STATUS_TRANSACTION_ALREADY_ABORTED);
    ZwClose(below);
    ZwClose(key);
    ZwClose(transaction);

    /* The last handle of one that has not ended rolls it back. */
    transaction = Begin(t);
    CHECK_STATUS(Key(transaction, NULL, PARENT L"\\TxGone", TRUE, &key), STATUS_SUCCESS);
    ZwClose(transaction);
    CHECK_STATUS(Key(NULL, NULL, PARENT L"\\TxGone", TRUE, &below), STATUS_SUCCESS);
    ZwClose(key);
    ZwDeleteKey(below);
    ZwClose(below);
    CHECK_EQ(SubKeys(t, parent), before);
    ZwClose(parent);
}

static VOID Phases(PCONTRACT t)
{
    HANDLE transaction = Begin(t);
    LISTENER all = {.Leave = 0}, last = {.Leave = 0}, reader = {.ReadOnlyAt = TRANSACTION_NOTIFY_PREPARE};
    PVOID object;

    Enlist(t, &all, transaction, TRANSACTION_NOTIFY_PREPREPARE | TRANSACTION_NOTIFY_PREPARE | TRANSACTION_NOTIFY_COMMIT | TRANSACTION_NOTIFY_ROLLBACK);
    Enlist(t, &last, transaction, TRANSACTION_NOTIFY_COMMIT | TRANSACTION_NOTIFY_ROLLBACK);
    Enlist(t, &reader, transaction, TRANSACTION_NOTIFY_PREPARE | TRANSACTION_NOTIFY_COMMIT);
    CHECK_STATUS(ObReferenceObjectByHandle(transaction, 0, *TmTransactionObjectType, KernelMode, &object, NULL), STATUS_SUCCESS);
    CHECK(TmIsTransactionActive(object));
    CHECK_STATUS(ZwCommitTransaction(transaction, TRUE), STATUS_SUCCESS);
    CHECK(!TmIsTransactionActive(object));
    ObDereferenceObject(object);
    CHECK_EQ(all.Count, 3);
    CHECK_EQ(all.Heard[0], TRANSACTION_NOTIFY_PREPREPARE);
    CHECK_EQ(all.Heard[1], TRANSACTION_NOTIFY_PREPARE);
    CHECK_EQ(all.Heard[2], TRANSACTION_NOTIFY_COMMIT);
    CHECK_STATUS(all.Early, STATUS_SUCCESS); /* the last one was asked for */
    CHECK_EQ(last.Count, 1);
    CHECK_EQ(reader.Count, 1);
    CHECK_EQ(reader.Heard[0], TRANSACTION_NOTIFY_PREPARE);
    CHECK_STATUS(reader.Early, STATUS_TRANSACTION_NOT_REQUESTED);
    ZwClose(all.Handle);
    ZwClose(last.Handle);
    ZwClose(reader.Handle);
    ZwClose(transaction);
}

static VOID Refused(PCONTRACT t)
{
    HANDLE transaction = Begin(t), key;
    LISTENER first = {.Leave = 0}, second = {.RollBackAt = TRANSACTION_NOTIFY_PREPARE};
    ULONG mask = TRANSACTION_NOTIFY_PREPARE | TRANSACTION_NOTIFY_COMMIT | TRANSACTION_NOTIFY_ROLLBACK;

    Enlist(t, &first, transaction, mask);
    Enlist(t, &second, transaction, mask);
    CHECK_STATUS(Key(transaction, NULL, PARENT L"\\TxRefused", TRUE, &key), STATUS_SUCCESS);
    CHECK_STATUS(ZwCommitTransaction(transaction, TRUE), STATUS_TRANSACTION_ABORTED);
    CHECK_EQ(first.Count, 2);
    CHECK_EQ(first.Heard[1], TRANSACTION_NOTIFY_ROLLBACK);
    CHECK_STATUS(Look(NULL, PARENT L"\\TxRefused"), STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(key);
    ZwClose(first.Handle);
    ZwClose(second.Handle);
    ZwClose(transaction);
}

/* An answer that comes later, from elsewhere: who does not wait is told so. */
static VOID Later(PCONTRACT t)
{
    HANDLE transaction = Begin(t), key;
    LISTENER slow = {.Leave = TRANSACTION_NOTIFY_PREPARE};
    LARGE_INTEGER clock = {.QuadPart = 0};

    Enlist(t, &slow, transaction, TRANSACTION_NOTIFY_PREPARE | TRANSACTION_NOTIFY_COMMIT);
    CHECK_STATUS(Key(transaction, NULL, PARENT L"\\TxLater", TRUE, &key), STATUS_SUCCESS);
    CHECK_STATUS(ZwCommitTransaction(transaction, FALSE), STATUS_PENDING);
    CHECK_EQ(slow.Count, 1);
    CHECK_STATUS(Look(NULL, PARENT L"\\TxLater"), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(TmCommitComplete(slow.Object, &clock), STATUS_TRANSACTION_NOT_REQUESTED);
    CHECK_STATUS(ZwPrepareComplete(slow.Handle, &clock), STATUS_SUCCESS);
    CHECK_EQ(slow.Count, 2);
    CHECK_EQ(slow.Heard[1], TRANSACTION_NOTIFY_COMMIT);
    CHECK_STATUS(Look(NULL, PARENT L"\\TxLater"), STATUS_SUCCESS);
    ZwClose(key);
    ZwClose(slow.Handle);
    ZwClose(transaction);
    Remove(PARENT L"\\TxLater");
}

static VOID Arguments(PCONTRACT t)
{
    HANDLE handle = NULL, transaction = Begin(t);
    GUID guid = {1};
    LISTENER l = {.Leave = 0};

    CHECK_STATUS(ZwCreateTransactionManager(&handle, TRANSACTIONMANAGER_ALL_ACCESS, &Nameless, NULL, 0, 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(ZwCreateResourceManager(&handle, RESOURCEMANAGER_ALL_ACCESS, Manager, &guid, &Nameless, 0, NULL), STATUS_TM_VOLATILE);
    CHECK_STATUS(ZwCreateResourceManager(&handle, RESOURCEMANAGER_ALL_ACCESS, transaction, &guid, &Nameless, RESOURCE_MANAGER_VOLATILE, NULL),
                 STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS(ZwCreateEnlistment(&handle, ENLISTMENT_SUBORDINATE_RIGHTS, Resource, transaction, &Nameless, 0, 0, NULL), STATUS_INVALID_PARAMETER);
    Enlist(t, &l, transaction, TRANSACTION_NOTIFY_ROLLBACK);
    ZwClose(l.Handle); /* before the end: rolls back */
    CHECK_EQ(l.Count, 1);
    CHECK_EQ(l.Heard[0], TRANSACTION_NOTIFY_ROLLBACK);
    CHECK_STATUS(ZwCommitTransaction(transaction, TRUE), STATUS_TRANSACTION_ALREADY_ABORTED);
    ZwClose(transaction);
}

/* The key of devices, opened with the check that kernel code is spared otherwise. */
static VOID ForcedCheck(PCONTRACT t)
{
    HANDLE key;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\SYSTEM\\CurrentControlSet\\Enum");
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE | OBJ_FORCE_ACCESS_CHECK, NULL, NULL);
    CHECK_STATUS(ZwOpenKey(&key, DELETE, &attributes), STATUS_ACCESS_DENIED);
    CHECK_STATUS(ZwOpenKey(&key, KEY_READ, &attributes), STATUS_SUCCESS);
    ZwClose(key);
    attributes.Attributes &= ~OBJ_FORCE_ACCESS_CHECK;
    CHECK_STATUS(ZwOpenKey(&key, DELETE, &attributes), STATUS_SUCCESS);
    ZwClose(key);
}

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    GUID guid = {0x1234};
    PKRESOURCEMANAGER object;
    NTSTATUS status = ZwCreateTransactionManager(&Manager, TRANSACTIONMANAGER_ALL_ACCESS, &Nameless, NULL, TRANSACTION_MANAGER_VOLATILE, 0);

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(RegistryPath);
    if (NT_SUCCESS(status))
        status = ZwCreateResourceManager(&Resource, RESOURCEMANAGER_ALL_ACCESS, Manager, &guid, &Nameless, RESOURCE_MANAGER_VOLATILE, NULL);
    if (NT_SUCCESS(status))
        status = ObReferenceObjectByHandle(Resource, 0, NULL, KernelMode, (PVOID *)&object, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = TmEnableCallbacks(object, Listen, &Resource);
    ObDereferenceObject(object);
    return status;
}

static VOID Teardown(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    ZwClose(Resource);
    ZwClose(Manager);
}

static const CONTRACT_TEST Tests[] = {
    {"committed keys", Committed}, {"keys that are rolled back", RolledBack}, {"what enlistments hear", Phases}, {"an enlistment refuses", Refused},
    {"an answer comes later", Later}, {"arguments and early closing", Arguments}, {"a forced access check", ForcedCheck},
};

const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests), .Setup = Setup, .Teardown = Teardown};
