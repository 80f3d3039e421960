/* Keys and values. */
#include "contract_driver.h"

static UNICODE_STRING KeyName = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\SOFTWARE\\IrplabContract");
static WCHAR ServiceKey[256];

static NTSTATUS Setup(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Device, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(Device);
    if (RegistryPath->Length < sizeof(ServiceKey))
        RtlCopyMemory(ServiceKey, RegistryPath->Buffer, RegistryPath->Length);
    return STATUS_SUCCESS;
}

static NTSTATUS Open(PHANDLE Key, PULONG Disposition)
{
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &KeyName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwCreateKey(Key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, Disposition);
}

static NTSTATUS SetDword(HANDLE Key, PCWSTR Name, ULONG Value)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Name);
    return ZwSetValueKey(Key, &name, 0, REG_DWORD, &Value, sizeof(Value));
}

static VOID CreateAndDelete(PCONTRACT t)
{
    HANDLE key, again;
    ULONG disposition = 0;
    OBJECT_ATTRIBUTES attributes;

    CHECK_STATUS(Open(&key, &disposition), STATUS_SUCCESS);
    CHECK_EQ(disposition, REG_CREATED_NEW_KEY);
    CHECK_STATUS(Open(&again, &disposition), STATUS_SUCCESS);
    CHECK_EQ(disposition, REG_OPENED_EXISTING_KEY);
    ZwClose(again);
    CHECK_STATUS(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
    InitializeObjectAttributes(&attributes, &KeyName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZwOpenKey(&key, KEY_READ, &attributes), STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID Values(PCONTRACT t)
{
    HANDLE key;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Number"), none = RTL_CONSTANT_STRING(L"None");
    ULONG64 memory[16];
    PKEY_VALUE_PARTIAL_INFORMATION partial = (PKEY_VALUE_PARTIAL_INFORMATION)memory;
    PKEY_VALUE_FULL_INFORMATION full = (PKEY_VALUE_FULL_INFORMATION)memory;
    PKEY_VALUE_BASIC_INFORMATION basic = (PKEY_VALUE_BASIC_INFORMATION)memory;
    ULONG length, data = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data);

    CHECK_STATUS(Open(&key, NULL), STATUS_SUCCESS);
    CHECK_STATUS(SetDword(key, L"Number", 0x12345678), STATUS_SUCCESS);
    CHECK_STATUS(ZwQueryValueKey(key, &name, KeyValuePartialInformation, memory, sizeof(memory), &length), STATUS_SUCCESS);
    CHECK_EQ(partial->Type, REG_DWORD);
    CHECK_EQ(partial->DataLength, 4);
    CHECK_EQ(*(PULONG)partial->Data, 0x12345678);
    CHECK_EQ(length, data + 4);
    CHECK_STATUS(ZwQueryValueKey(key, &name, KeyValueFullInformation, memory, sizeof(memory), &length), STATUS_SUCCESS);
    CHECK_EQ(full->NameLength, 12);
    CHECK(RtlEqualMemory(full->Name, L"Number", 12));
    CHECK_EQ(*(PULONG)((PUCHAR)full + full->DataOffset), 0x12345678);
    CHECK_STATUS(ZwQueryValueKey(key, &name, KeyValueBasicInformation, memory, sizeof(memory), &length), STATUS_SUCCESS);
    CHECK_EQ(basic->Type, REG_DWORD);
    /* Not even the fixed part fits; the fixed part fits, but not the data. */
    CHECK_STATUS(ZwQueryValueKey(key, &name, KeyValuePartialInformation, memory, 4, &length), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ(length, data + 4);
    CHECK_STATUS(ZwQueryValueKey(key, &name, KeyValuePartialInformation, memory, data, &length), STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(length, data + 4);
    CHECK_STATUS(ZwQueryValueKey(key, &none, KeyValuePartialInformation, memory, sizeof(memory), &length),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(ZwDeleteValueKey(key, &name), STATUS_SUCCESS);
    CHECK_STATUS(ZwDeleteValueKey(key, &name), STATUS_OBJECT_NAME_NOT_FOUND);
    ZwDeleteKey(key);
    ZwClose(key);
}

static VOID Enumeration(PCONTRACT t)
{
    HANDLE key, child;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Child");
    OBJECT_ATTRIBUTES attributes;
    ULONG64 memory[32];
    PKEY_BASIC_INFORMATION basic = (PKEY_BASIC_INFORMATION)memory;
    PKEY_FULL_INFORMATION full = (PKEY_FULL_INFORMATION)memory;
    ULONG length;

    CHECK_STATUS(Open(&key, NULL), STATUS_SUCCESS);
    SetDword(key, L"A", 1);
    SetDword(key, L"B", 2);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, key, NULL);
    CHECK_STATUS(ZwCreateKey(&child, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL), STATUS_SUCCESS);
    CHECK_STATUS(ZwQueryKey(key, KeyFullInformation, memory, sizeof(memory), &length), STATUS_SUCCESS);
    CHECK_EQ(full->SubKeys, 1);
    CHECK_EQ(full->Values, 2);
    CHECK_STATUS(ZwEnumerateKey(key, 0, KeyBasicInformation, memory, sizeof(memory), &length), STATUS_SUCCESS);
    CHECK_EQ(basic->NameLength, 10);
    CHECK(RtlEqualMemory(basic->Name, L"Child", 10));
    CHECK_STATUS(ZwEnumerateKey(key, 1, KeyBasicInformation, memory, sizeof(memory), &length), STATUS_NO_MORE_ENTRIES);
    CHECK_STATUS(ZwEnumerateValueKey(key, 1, KeyValuePartialInformation, memory, sizeof(memory), &length), STATUS_SUCCESS);
    CHECK_STATUS(ZwEnumerateValueKey(key, 2, KeyValuePartialInformation, memory, sizeof(memory), &length),
                 STATUS_NO_MORE_ENTRIES);
    /* A key with sub-keys stays. */
    CHECK_STATUS(ZwDeleteKey(key), STATUS_CANNOT_DELETE);
    CHECK_STATUS(ZwDeleteKey(child), STATUS_SUCCESS);
    ZwClose(child);
    CHECK_STATUS(ZwDeleteKey(key), STATUS_SUCCESS);
    ZwClose(key);
}

static VOID Permanent(PCONTRACT t)
{
    HANDLE key;
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, ServiceKey);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(name.Length != 0);
    CHECK_STATUS(ZwOpenKey(&key, KEY_READ, &attributes), STATUS_SUCCESS);
    ZwClose(key);
    CHECK_STATUS(ZwClose((HANDLE)0x7ffffff0), STATUS_INVALID_HANDLE);
}

static VOID QueryTable(PCONTRACT t)
{
    HANDLE key;
    ULONG number = 0, absent = 7, fallback = 9;
    UNICODE_STRING text = {0}, textName = RTL_CONSTANT_STRING(L"Text");
    RTL_QUERY_REGISTRY_TABLE table[4] = {
        {NULL, RTL_QUERY_REGISTRY_DIRECT, L"Number", &number, REG_NONE, NULL, 0},
        {NULL, RTL_QUERY_REGISTRY_DIRECT, L"Text", &text, REG_NONE, NULL, 0},
        {NULL, RTL_QUERY_REGISTRY_DIRECT, L"Absent", &absent, REG_DWORD, &fallback, sizeof(ULONG)},
    };
    RTL_QUERY_REGISTRY_TABLE required[2] = {
        {NULL, RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_REQUIRED, L"Absent", &absent, REG_NONE, NULL, 0},
    };

    CHECK_STATUS(Open(&key, NULL), STATUS_SUCCESS);
    SetDword(key, L"Number", 77);
    CHECK_STATUS(ZwSetValueKey(key, &textName, 0, REG_SZ, L"words", 12), STATUS_SUCCESS);
    CHECK_STATUS(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, KeyName.Buffer, table, NULL, NULL), STATUS_SUCCESS);
    CHECK_EQ(number, 77);
    CHECK_EQ(absent, 9);
    CHECK_EQ(text.Length, 10);
    CHECK(text.Buffer && RtlEqualMemory(text.Buffer, L"words", 12));
    RtlFreeUnicodeString(&text);
    CHECK_STATUS(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, KeyName.Buffer, required, NULL, NULL),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    number = 5;
    CHECK_STATUS(RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, KeyName.Buffer, L"Written", REG_DWORD, &number, 4),
                 STATUS_SUCCESS);
    CHECK_STATUS(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE, KeyName.Buffer), STATUS_SUCCESS);
    CHECK_STATUS(RtlDeleteRegistryValue(RTL_REGISTRY_ABSOLUTE, KeyName.Buffer, L"Written"), STATUS_SUCCESS);
    ZwDeleteKey(key);
    ZwClose(key);
    CHECK_STATUS(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE, KeyName.Buffer), STATUS_OBJECT_NAME_NOT_FOUND);
}

static const CONTRACT_TEST Tests[] = {
    {"keys come and go", CreateAndDelete},
    {"values", Values},
    {"enumeration", Enumeration},
    {"the service's key", Permanent},
    {"query table", QueryTable},
};
const CONTRACT_AREA ContractArea = {Tests, RTL_NUMBER_OF(Tests), Setup};
