/* Virtual memory at wanted addresses, mappings, global memory, and system services called through ntdll. */
#include "check.h"

#include <winternl.h>

NTSYSAPI NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE, PVOID *, ULONG_PTR, SIZE_T *, ULONG, ULONG);
NTSYSAPI NTSTATUS NTAPI NtFreeVirtualMemory(HANDLE, PVOID *, SIZE_T *, ULONG);
NTSYSAPI NTSTATUS NTAPI NtOpenKey(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *);
NTSYSAPI NTSTATUS NTAPI NtQueryValueKey(HANDLE, UNICODE_STRING *, int, PVOID, ULONG, ULONG *);

static void test_addresses(void)
{
    MEMORY_BASIC_INFORMATION m;
    char *p = VirtualAlloc(NULL, 0x20000, MEM_RESERVE, PAGE_READWRITE);
    CHECK(p != NULL);
    CHECK(VirtualAlloc(p, 0x1000, MEM_RESERVE, PAGE_READWRITE) == NULL);
    CHECK_EQ(GetLastError(), ERROR_INVALID_ADDRESS);
    CHECK(VirtualAlloc(p + 0x1800, 0x1000, MEM_COMMIT, PAGE_READWRITE) == p + 0x1000);
    CHECK_EQ(VirtualQuery(p + 0x1000, &m, sizeof m), sizeof m);
    CHECK_EQ(m.RegionSize, 0x2000);
    CHECK_EQ(m.State, MEM_COMMIT);
    CHECK(VirtualFree(p, 0, MEM_RELEASE));
    CHECK(VirtualAlloc(p + 0x800, 0x1000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) == p);
    p[0x1FFF] = 1; /* both pages that the range touches */
    CHECK(VirtualFree(p, 0, MEM_RELEASE));
    CHECK_EQ(VirtualQuery(p, &m, sizeof m), sizeof m);
    CHECK_EQ(m.State, MEM_FREE);
    CHECK_EQ(VirtualQuery(NULL, &m, sizeof m), sizeof m);
    CHECK_EQ(m.State, MEM_FREE);
    PVOID base = NULL;
    SIZE_T bytes = 100;
    CHECK_EQ(NtAllocateVirtualMemory(GetCurrentProcess(), &base, 0, &bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE), 0);
    CHECK(base != NULL && bytes == 0x1000);
    bytes = 0;
    CHECK_EQ(NtFreeVirtualMemory(GetCurrentProcess(), &base, &bytes, MEM_RELEASE), 0);
}

static void test_mappings(void)
{
    HANDLE a = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 0x2000, "irplab-mapping"), c;
    CHECK(a != NULL);
    c = OpenFileMappingA(FILE_MAP_READ, FALSE, "Local\\irplab-mapping");
    CHECK(c != NULL);
    char *write = MapViewOfFile(a, FILE_MAP_ALL_ACCESS, 0, 0, 0), *read = MapViewOfFile(c, FILE_MAP_READ, 0, 0, 0x1000);
    CHECK(write != NULL && read != NULL && write != read);
    write[5] = 'x';
    CHECK_EQ(read[5], 'x');
    CHECK(UnmapViewOfFile(write));
    CHECK(UnmapViewOfFile(read));
    CHECK(!UnmapViewOfFile(read));
    CHECK(CloseHandle(a) && CloseHandle(c));
    CHECK(OpenFileMappingA(FILE_MAP_READ, FALSE, "irplab-mapping") == NULL);
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
}

static void test_global(void)
{
    HGLOBAL g = GlobalAlloc(GMEM_MOVEABLE | GMEM_ZEROINIT, 30);
    char *p = GlobalLock(g);
    CHECK(p != NULL && p[29] == 0);
    CHECK(GlobalSize(g) >= 30);
    GlobalUnlock(g);
    CHECK(GlobalFree(g) == NULL);
    CHECK_EQ(MulDiv(7, 3, 2), 11);
    CHECK_EQ(MulDiv(-7, 3, 2), -11);
}

static void test_services(void)
{
    static WCHAR path[] = L"\\Registry\\Machine\\Software\\irplab-key", name[] = L"Number";
    UNICODE_STRING key_name = { sizeof path - 2, sizeof path, path }, value_name = { sizeof name - 2, sizeof name, name };
    OBJECT_ATTRIBUTES oa;
    struct {
        ULONG title, type, bytes;
        ULONG data[4];
    } value;
    DWORD number = 77, size;
    HANDLE h;
    InitializeObjectAttributes(&oa, &key_name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_EQ(RegSetKeyValueA(HKEY_LOCAL_MACHINE, "Software\\irplab-key", "Number", REG_DWORD, &number, 4), 0);
    CHECK_EQ(NtOpenKey(&h, KEY_READ, &oa), 0);
    CHECK_EQ(NtQueryValueKey(h, &value_name, 2 /* KeyValuePartialInformation */, &value, sizeof value, &size), 0);
    CHECK(value.type == REG_DWORD && value.bytes == 4 && value.data[0] == 77);
    CHECK_EQ((ULONG)NtQueryValueKey(h, (UNICODE_STRING *)8, 2, &value, sizeof value, &size), 0xC0000005u);
    CHECK_EQ(NtClose(h), 0);
    oa.ObjectName = (UNICODE_STRING *)8;
    CHECK_EQ((ULONG)NtOpenKey(&h, KEY_READ, &oa), 0xC0000005u);
    oa.ObjectName = &key_name;
    CHECK_EQ(RegDeleteTreeA(HKEY_LOCAL_MACHINE, "Software\\irplab-key"), 0);
    CHECK_EQ((ULONG)NtOpenKey(&h, KEY_READ, &oa), 0xC0000034u);
}

int main(void)
{
    test_addresses();
    test_mappings();
    test_global();
    test_services();
    return check_failures;
}
