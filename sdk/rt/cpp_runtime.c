/* Linked into C++ drivers: what a pure virtual function's slot holds. A call of one is an error of the driver; Microsoft's run-time
 * stops there as well. */
__attribute__((noreturn)) static void pure_call(void)
{
    __asm__ volatile("int $0x29" : : "c"(7)); /* FAST_FAIL_FATAL_APP_EXIT */
    __builtin_unreachable();
}

__attribute__((noreturn)) void __cxa_pure_virtual(void);
void __cxa_pure_virtual(void)
{
    pure_call();
}

__attribute__((noreturn)) int _purecall(void);
int _purecall(void)
{
    pure_call();
}
