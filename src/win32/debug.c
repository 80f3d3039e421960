/* Debug output, encoded pointers, ends that skip everything. */
#include "trace/trace.h"
#include "win32/win32.h"

void OutputDebugStringA(const char *text)
{
    if (!text)
        return;
    char copy[1024];
    size_t n = strnlen(text, sizeof copy - 1);
    memcpy(copy, text, n);
    copy[n] = 0;
    w32_console_flush();
    trace_text(TRACE_DEBUG_PRINT, copy, n);
}

void OutputDebugStringW(const WCHAR *text)
{
    char copy[1024];
    size_t n = 0;
    for (size_t used; text && *text && n < sizeof copy - 5; text += used)
        n += base_utf8_put(w32_from_utf16(text, text[1] ? 2 : 1, &used), copy + n);
    copy[n] = 0;
    w32_console_flush();
    trace_text(TRACE_DEBUG_PRINT, copy, n);
}

BOOL CheckRemoteDebuggerPresent(HANDLE process, BOOL *present)
{
    *present = FALSE;
    return TRUE;
}

uint64_t EncodePointer(uint64_t p)
{
    return p ^ 0x5EC2E7C0DEull;
}

uint64_t DecodePointer(uint64_t p)
{
    return p ^ 0x5EC2E7C0DEull;
}

_Noreturn void FatalAppExitA(ULONG action, const char *text)
{
    w32_console_write(2, text, strlen(text));
    w32_console_write(2, "\n", 1);
    ExitProcess(0);
}

_Noreturn void RaiseFailFastException(void *record, void *context, ULONG flags)
{
    ExitProcess((ULONG)0xC0000602); /* STATUS_FAIL_FAST_EXCEPTION */
}
