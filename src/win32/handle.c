/* Handles and processes: duplication, flags, exit codes. */
#include "ps/nt_thread.h"
#include "win32/toolhelp.h"
#include "win32/win32.h"

enum { DUPLICATE_CLOSE = 1, DUPLICATE_SAME = 2 };

struct process *w32_process_of(HANDLE handle)
{
    void *object;
    if (!NT_SUCCESS(ob_handle_reference(ps_current()->process, handle, OB_PROCESS, 0, &object, NULL)))
        return NULL;
    struct process *p = ps_process_of(object);
    ob_dereference(object);
    return p;
}

BOOL DuplicateHandle(HANDLE from_process, HANDLE handle, HANDLE to_process, HANDLE *out, ULONG access, BOOL inherit, ULONG options)
{
    if (w32_console_of(handle)) { /* every copy is the console itself */
        *out = handle;
        return TRUE;
    }
    struct syscall sc;
    HANDLE h = NULL;
    ps_syscall_enter(&sc, FRAME_NtDuplicateObject);
    sim_point((uint64_t)handle);
    struct process *from = w32_process_of(from_process), *to = to_process ? w32_process_of(to_process) : NULL;
    NTSTATUS s = !from || (to_process && !to) ? STATUS_INVALID_HANDLE : STATUS_SUCCESS;
    if (NT_SUCCESS(s) && to)
        s = ob_handle_duplicate(from, handle, to, access, (options & DUPLICATE_SAME) != 0, inherit ? OBJ_INHERIT : 0, &h);
    if (from && (options & DUPLICATE_CLOSE))
        ob_handle_close(from, handle);
    ps_syscall_leave(&sc);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    if (out)
        *out = h;
    return TRUE;
}

BOOL SetHandleInformation(HANDLE handle, ULONG mask, ULONG flags)
{
    ULONG wanted = (mask & 1 ? OBJ_INHERIT : 0) | (mask & 2 ? OBJ_PROTECT_CLOSE : 0);
    ULONG values = (flags & 1 ? OBJ_INHERIT : 0) | (flags & 2 ? OBJ_PROTECT_CLOSE : 0);
    if (w32_console_of(handle))
        return TRUE;
    return w32_result(ob_handle_attributes(ps_current()->process, handle, wanted, values, NULL));
}

BOOL GetHandleInformation(HANDLE handle, ULONG *flags)
{
    ULONG attributes = 0;
    NTSTATUS s = w32_console_of(handle) ? STATUS_SUCCESS : ob_handle_attributes(ps_current()->process, handle, 0, 0, &attributes);
    if (!NT_SUCCESS(s))
        return w32_fail(s);
    *flags = (attributes & OBJ_INHERIT ? 1 : 0) | (attributes & OBJ_PROTECT_CLOSE ? 2 : 0);
    return TRUE;
}

BOOL CompareObjectHandles(HANDLE a, HANDLE b)
{
    void *x = NULL, *y = NULL;
    struct process *p = ps_current()->process;
    bool both = NT_SUCCESS(ob_handle_reference(p, a, OB_NONE, 0, &x, NULL));
    if (both) {
        both = NT_SUCCESS(ob_handle_reference(p, b, OB_NONE, 0, &y, NULL));
        ob_dereference(x);
        if (both)
            ob_dereference(y);
    }
    return both && x == y ? TRUE : w32_error(1656);
}

/* ---- processes ---- */

ULONG GetProcessId(HANDLE process)
{
    const struct process *p = w32_process_of(process);
    return p ? p->id : (ULONG)w32_error(ERROR_INVALID_HANDLE);
}

HANDLE OpenProcess(ULONG access, BOOL inherit, ULONG id)
{
    ps_looked_for();
    struct process *p = ps_processes();
    while (p && (p->id != id || p->exited || !p->slice))
        p = p->next;
    if (!p)
        return w32_error(ERROR_INVALID_PARAMETER), NULL;
    HANDLE h = NULL;
    struct syscall sc;
    ps_syscall_enter(&sc, FRAME_NtOpenProcess);
    NTSTATUS s = ob_handle_create(ps_current()->process, p->eprocess, access, inherit ? OBJ_INHERIT : 0, &h);
    ps_syscall_leave(&sc);
    return NT_SUCCESS(s) ? h : (w32_fail(s), NULL);
}

BOOL TerminateProcess(HANDLE process, ULONG code)
{
    w32_console_flush();
    return w32_result(NtTerminateProcess(process, (NTSTATUS)code));
}

BOOL GetExitCodeProcess(HANDLE process, ULONG *code)
{
    const struct process *p = w32_process_of(process);
    if (!p)
        return w32_error(ERROR_INVALID_HANDLE);
    *code = p->exited ? (ULONG)p->exit_status : (ULONG)STATUS_PENDING;
    return TRUE;
}

BOOL SetPriorityClass(HANDLE process, ULONG class)
{
    return w32_process_of(process) ? TRUE : w32_error(ERROR_INVALID_HANDLE);
}

ULONG GetPriorityClass(HANDLE process)
{
    return w32_process_of(process) ? 0x20 : (ULONG)w32_error(ERROR_INVALID_HANDLE); /* NORMAL_PRIORITY_CLASS */
}

BOOL GetProcessAffinityMask(HANDLE process, uint64_t *mask, uint64_t *system)
{
    *mask = *system = sim_processors();
    return TRUE;
}

BOOL SetProcessAffinityMask(HANDLE process, uint64_t mask)
{
    return mask ? TRUE : w32_error(ERROR_INVALID_PARAMETER);
}

BOOL IsWow64Process(HANDLE process, BOOL *wow64)
{
    *wow64 = FALSE;
    return TRUE;
}

BOOL IsProcessorFeaturePresent(ULONG feature)
{
    /* Those of the fixed processor model: compare-exchange 8 and 16 bytes, MMX, SSE to SSE2, RDTSC, NX, XSAVE, fast fail. */
    static const uint32_t present = 1u << 2 | 1u << 3 | 1u << 6 | 1u << 8 | 1u << 9 | 1u << 10 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17 | 1u << 23;
    return feature < 32 && (present >> feature & 1);
}

/* ---- the machine ---- */

static void system_info(uint8_t *info)
{
    memset(info, 0, 48);
    *(uint16_t *)info = 9; /* PROCESSOR_ARCHITECTURE_AMD64 */
    *(uint32_t *)(info + 4) = 0x1000;
    *(uint64_t *)(info + 8) = ps_current()->process->slice + 0x10000;
    *(uint64_t *)(info + 16) = ps_current()->process->slice + USER_SLICE - 0x10001;
    *(uint64_t *)(info + 24) = sim_processors();
    *(uint32_t *)(info + 32) = MACHINE->processor_count;
    *(uint32_t *)(info + 36) = 8664;
    *(uint32_t *)(info + 40) = 0x10000;
    *(uint16_t *)(info + 44) = 6;
}

void GetSystemInfo(uint8_t *info)
{
    system_info(info);
}

void GetNativeSystemInfo(uint8_t *info)
{
    system_info(info);
}

ULONG GetActiveProcessorCount(ULONG group)
{
    return MACHINE->processor_count;
}

ULONG GetMaximumProcessorCount(ULONG group)
{
    return MACHINE->processor_count;
}

/* GetVersion: without a manifest programs are told 6.2 since Windows 8.1; later versions answer the same. */
ULONG GetVersion(void)
{
    const struct ke_os *os = ke_os();
    bool shown = os->major < 6 || (os->major == 6 && os->minor <= 2);
    return shown ? os->major | os->minor << 8 | os->build << 16 : 6 | 2 << 8 | 9200u << 16;
}

static void version_info(uint8_t *info, bool wide)
{
    ULONG v = GetVersion();
    ULONG fields[4] = { v & 0xFF, v >> 8 & 0xFF, v >> 16, 2 };
    memcpy(info + 4, fields, sizeof fields);
    memset(info + 20, 0, wide ? 256 : 128);
}

BOOL GetVersionExA(uint8_t *info)
{
    version_info(info, false);
    return TRUE;
}

BOOL GetVersionExW(uint8_t *info)
{
    version_info(info, true);
    return TRUE;
}

BOOL GlobalMemoryStatusEx(uint64_t *status)
{
    ((ULONG *)status)[1] = 25; /* per cent in use */
    status[1] = 1ull << 32;
    status[2] = 3ull << 30;
    status[3] = 1ull << 33;
    status[4] = 7ull << 30;
    status[5] = USER_SLICE;
    status[6] = USER_SLICE / 2;
    status[7] = 0;
    return TRUE;
}

static ULONG put_text(const char *text, void *buffer, ULONG size, bool wide)
{
    ULONG n = (ULONG)strlen(text);
    if (size <= n)
        return n + 1;
    for (ULONG i = 0; i <= n; i++) {
        if (wide)
            ((WCHAR *)buffer)[i] = (uint8_t)text[i];
        else
            ((char *)buffer)[i] = text[i];
    }
    return n;
}

ULONG GetSystemDirectoryA(char *buffer, ULONG size)
{
    return put_text("C:\\Windows\\system32", buffer, size, false);
}

ULONG GetSystemDirectoryW(WCHAR *buffer, ULONG size)
{
    return put_text("C:\\Windows\\system32", buffer, size, true);
}

ULONG GetWindowsDirectoryA(char *buffer, ULONG size)
{
    return put_text("C:\\Windows", buffer, size, false);
}

ULONG GetWindowsDirectoryW(WCHAR *buffer, ULONG size)
{
    return put_text("C:\\Windows", buffer, size, true);
}

ULONG GetTempPathA(ULONG size, char *buffer)
{
    return put_text("C:\\Temp\\", buffer, size, false);
}

ULONG GetTempPathW(ULONG size, WCHAR *buffer)
{
    return put_text("C:\\Temp\\", buffer, size, true);
}

BOOL GetComputerNameA(char *buffer, ULONG *size)
{
    ULONG n = put_text("IRPLAB", buffer, *size, false);
    bool fits = n < *size;
    *size = n;
    return fits ? TRUE : w32_error(ERROR_INSUFFICIENT_BUFFER);
}

BOOL GetComputerNameW(WCHAR *buffer, ULONG *size)
{
    ULONG n = put_text("IRPLAB", buffer, *size, true);
    bool fits = n < *size;
    *size = n;
    return fits ? TRUE : w32_error(ERROR_INSUFFICIENT_BUFFER);
}

BOOL AreFileApisANSI(void)
{
    return !w32_process()->file_names_oem;
}

/* GUESS: only what is said of it changes: the two code pages have the same names of files here. */
void SetFileApisToOEM(void)
{
    w32_process()->file_names_oem = true;
}

void SetFileApisToANSI(void)
{
    w32_process()->file_names_oem = false;
}

/* DOC: "SetHandleCount": does nothing and returns its argument. */
ULONG SetHandleCount(ULONG count)
{
    return count;
}
