/* The rest of ntdll's own: loading modules, virtual memory, what lies in the PEB; and small things of kernel32 that only answer. */
#include "win32/file.h"
#include "win32/exports.h"
#include "win32/critical.h"
#include "win32/wait.h"
#include "win32/win32.h"

#include "sim/image.h"

uint64_t RtlGetCurrentPeb(void)
{
    return ps_current()->process->peb;
}

void RtlGetNtVersionNumbers(ULONG *major, ULONG *minor, ULONG *build)
{
    const uint8_t *peb = w32_peb();
    if (major)
        memcpy(major, peb + 0x118, 4);
    if (minor)
        memcpy(minor, peb + 0x11C, 4);
    if (build)
        *build = 0xF0000000u | *(const uint16_t *)(peb + 0x120);
}

NTSTATUS RtlInitializeCriticalSection(struct critical_section *cs)
{
    InitializeCriticalSection(cs);
    return STATUS_SUCCESS;
}

/* ---- modules ---- */

NTSTATUS LdrLoadDll(const WCHAR *folders, ULONG *flags, const UNICODE_STRING *name, uint64_t *module)
{
    WCHAR *text = (WCHAR *)w32_alloc(name->Length + 2u);
    memcpy(text, name->Buffer, name->Length);
    text[name->Length / 2] = 0;
    *module = LoadLibraryExW(text, NULL, 0);
    w32_free((uint64_t)text);
    if (*module)
        return STATUS_SUCCESS;
    return GetLastError() == ERROR_MOD_NOT_FOUND ? STATUS_DLL_NOT_FOUND : STATUS_DLL_INIT_FAILED;
}

NTSTATUS LdrUnloadDll(uint64_t module)
{
    return FreeLibrary(module) ? STATUS_SUCCESS : STATUS_DLL_NOT_FOUND;
}

/* ---- virtual memory: of the calling process ---- */

static uint64_t page_down(uint64_t a)
{
    return a & ~0xFFFull;
}

static uint64_t page_up(uint64_t a)
{
    return (a + 0xFFF) & ~0xFFFull;
}

NTSTATUS ntdll_NtAllocateVirtualMemory(HANDLE process, uint64_t *base, uint64_t zero_bits, uint64_t *bytes, ULONG type, ULONG protect)
{
    if (process != NT_CURRENT_PROCESS)
        return STATUS_NOT_SUPPORTED;
    uint64_t wanted = *base, size = *bytes, at = VirtualAlloc(wanted, size, type, protect);
    if (!at)
        return RtlGetLastNtStatus();
    *base = at;
    *bytes = page_up(size + (wanted & 0xFFF));
    return STATUS_SUCCESS;
}

NTSTATUS ntdll_NtFreeVirtualMemory(HANDLE process, uint64_t *base, uint64_t *bytes, ULONG type)
{
    if (process != NT_CURRENT_PROCESS)
        return STATUS_NOT_SUPPORTED;
    return VirtualFree(*base, *bytes, type) ? STATUS_SUCCESS : RtlGetLastNtStatus();
}

NTSTATUS ntdll_NtProtectVirtualMemory(HANDLE process, uint64_t *base, uint64_t *bytes, ULONG protect, ULONG *old)
{
    if (process != NT_CURRENT_PROCESS)
        return STATUS_NOT_SUPPORTED;
    uint64_t at = *base, size = *bytes;
    if (!VirtualProtect(at, size, protect, old))
        return RtlGetLastNtStatus();
    *base = page_down(at);
    *bytes = page_up(at + size) - page_down(at);
    return STATUS_SUCCESS;
}

NTSTATUS ntdll_NtQueryVirtualMemory(HANDLE process, uint64_t address, ULONG class, void *info, uint64_t bytes, uint64_t *done)
{
    if (process != NT_CURRENT_PROCESS)
        return STATUS_NOT_SUPPORTED;
    if (class != 0)
        return STATUS_INVALID_INFO_CLASS; /* only MemoryBasicInformation */
    uint64_t n = VirtualQuery(address, info, bytes);
    if (done)
        *done = n;
    return n ? STATUS_SUCCESS : RtlGetLastNtStatus();
}

/* ---- kernel32: settings without effect here ---- */

BOOL SetDllDirectoryA(const void *folder)
{
    return TRUE; /* DLLs come from beside the program */
}

BOOL SetThreadErrorMode(ULONG mode, ULONG *old)
{
    if (old)
        *old = 0;
    return TRUE;
}

ULONG SetThreadExecutionState(ULONG flags)
{
    return 0x80000000u; /* ES_CONTINUOUS: what was set before */
}

void GetCurrentProcessorNumberEx(uint8_t *number)
{
    memset(number, 0, 4);
    number[2] = (uint8_t)sim_processor()->number;
}

uint16_t GetActiveProcessorGroupCount(void)
{
    return 1;
}
