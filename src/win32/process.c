/* The process and its end. */
#include "sim/image.h"
#include "win32/tls.h"
#include "win32/win32.h"

uint64_t w32_data_export(const char *module, const char *name)
{
    const struct image *i = image_find(module);
    return i ? image_export(i, name, 0) : 0;
}

/* xorshift128 with a fixed seed: programs that want random numbers get the same ones in every run. */
uint32_t w32_random(void)
{
    uint32_t *s = w32_process()->random_state;
    if (!s[0])
        s[0] = 123456789, s[1] = 362436069, s[2] = 521288629, s[3] = 88675123;
    uint32_t t = s[0] ^ s[0] << 11;
    s[0] = s[1];
    s[1] = s[2];
    s[2] = s[3];
    s[3] ^= s[3] >> 19 ^ t ^ t >> 8;
    return s[3];
}

_Noreturn void ExitProcess(ULONG code)
{
    w32_process()->exiting = true;
    w32_thread_hooks();
    ps_user_exit_process((NTSTATUS)code);
}

HANDLE GetCurrentProcess(void)
{
    return NT_CURRENT_PROCESS;
}

HANDLE GetCurrentThread(void)
{
    return NT_CURRENT_THREAD;
}

ULONG GetCurrentProcessId(void)
{
    return ps_current()->process->id;
}

ULONG GetCurrentThreadId(void)
{
    return (ULONG)(uint64_t)ps_current()->ethread->Cid.UniqueThread;
}

BOOL IsDebuggerPresent(void)
{
    return FALSE;
}

ULONG SetErrorMode(ULONG mode)
{
    struct w32_process *p = w32_process();
    ULONG old = p->error_mode;
    p->error_mode = mode;
    return old;
}

ULONG GetErrorMode(void)
{
    return w32_process()->error_mode;
}
