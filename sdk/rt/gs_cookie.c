/* Linked into drivers of the Microsoft ABI (irplab cc --msvc), as the WDK links BufferOverflowK: the stack cookie and its
 * check, the entry that makes the cookie before DriverEntry runs, and the load configuration that tells the loader of
 * cookie and control flow guard. Needs no headers: it is compiled before any are chosen. */

typedef unsigned long long uint64;
typedef unsigned int uint32;
typedef unsigned short uint16;

/* What the loader, which knows the field through the load configuration, may already have replaced. */
#define DEFAULT_SECURITY_COOKIE 0x00002B992DDFA232ull

uint64 __security_cookie = DEFAULT_SECURITY_COOKIE;
uint64 __security_cookie_complement = ~DEFAULT_SECURITY_COOKIE;

/* Called with the cookie in rcx at the end of guarded functions, whose results must survive: no register changes. */
__attribute__((naked)) void __security_check_cookie(uint64 cookie_in_rcx)
{
    __asm__ volatile("cmpq __security_cookie(%rip), %rcx\n\t"
                     "jne 1f\n\t"
                     "rolq $16, %rcx\n\t"
                     "testw $0xffff, %cx\n\t"
                     "jne 2f\n\t"
                     "ret\n"
                     "2:\n\t"
                     "rorq $16, %rcx\n"
                     "1:\n\t"
                     "movl $2, %ecx\n\t" /* FAST_FAIL_STACK_COOKIE_CHECK_FAILURE */
                     "int $0x29");
}

void __security_init_cookie(void)
{
    uint64 cookie = __security_cookie;
    if (cookie == 0 || cookie == DEFAULT_SECURITY_COOKIE)
        cookie = ((uint64)&__security_cookie ^ 0x5bd1e995a7c3f10bull) & 0x0000ffffffffffffull;
    __security_cookie = cookie;
    __security_cookie_complement = ~cookie;
}

/* A driver whose entry is another (FxDriverEntry) has no DriverEntry of this kind to go to. */
long DriverEntry(void *driver, void *path);
long GsDriverEntry(void *driver, void *path)
{
    __security_init_cookie();
    return DriverEntry(driver, path);
}

/* Calls through pointers go through these two; a loader that knows control flow guard puts its own checks here. */
static void check_nothing(void) {}
__attribute__((naked)) static void dispatch_to_rax(void)
{
    __asm__ volatile("jmp *%rax");
}
__attribute__((section(".00cfg"), used)) void *const __guard_check_icall_fptr = (void *)check_nothing;
__attribute__((section(".00cfg"), used)) void *const __guard_dispatch_icall_fptr = (void *)dispatch_to_rax;

/* Made by the linker. */
extern char __guard_fids_table[], __guard_fids_count[], __guard_flags[];
extern char __guard_iat_table[], __guard_iat_count[], __guard_longjmp_table[], __guard_longjmp_count[];

struct load_config {
    uint32 size, time_date_stamp;
    uint16 major, minor;
    uint32 global_flags_clear, global_flags_set, critical_section_timeout;
    uint64 decommit_free, decommit_total, lock_prefix_table, maximum_allocation, virtual_threshold, affinity;
    uint32 heap_flags;
    uint16 csd_version, dependent_load_flags;
    uint64 edit_list;
    void *security_cookie;
    uint64 se_handler_table, se_handler_count;
    const void *guard_check, *guard_dispatch;
    void *guard_fids_table, *guard_fids_count;
    void *guard_flags_low; /* 32 bits of flags and the first half of the code integrity record, zero */
    uint64 code_integrity;
    void *guard_iat_table, *guard_iat_count;
    void *guard_longjmp_table, *guard_longjmp_count;
};

const struct load_config _load_config_used = {
    .size = sizeof(struct load_config),
    .security_cookie = &__security_cookie,
    .guard_check = &__guard_check_icall_fptr,
    .guard_dispatch = &__guard_dispatch_icall_fptr,
    .guard_fids_table = __guard_fids_table,
    .guard_fids_count = __guard_fids_count,
    .guard_flags_low = __guard_flags,
    .guard_iat_table = __guard_iat_table,
    .guard_iat_count = __guard_iat_count,
    .guard_longjmp_table = __guard_longjmp_table,
    .guard_longjmp_count = __guard_longjmp_count,
};

/* Says that floating point is used; only its presence counts. */
int _fltused = 0x9875;
