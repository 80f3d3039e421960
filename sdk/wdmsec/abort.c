/* abort of the static C library that drivers are linked with. GUESS: it fails fast, as the user side's does. */
#include <wdm.h>

__declspec(noreturn) void __cdecl abort(void);
__declspec(noreturn) void __cdecl abort(void)
{
    __asm__ volatile("int $0x29" : : "c"(7)); /* FAST_FAIL_FATAL_APP_EXIT */
    __builtin_unreachable();
}
