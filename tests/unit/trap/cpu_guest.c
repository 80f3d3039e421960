/* Guest half of test_cpu.c: instructions that do not run natively. Functions return 0 or the line that is wrong. */
#include <ntddk.h>

#define EXPORT __declspec(dllexport)
#define CHECK(x) do { if (!(x)) return __LINE__; } while (0)

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_SUCCESS;
}

static ULONG64 read_cr8(void)
{
    ULONG64 v;
    __asm__ volatile("movq %%cr8, %0" : "=r"(v));
    return v;
}

static void write_cr8(ULONG64 v)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"(v) : "memory");
}

EXPORT int cr8(void)
{
    CHECK(read_cr8() == 0);
    write_cr8(2);
    CHECK(read_cr8() == 2);
    write_cr8(1);
    CHECK(read_cr8() == 1);
    write_cr8(0);
    CHECK(read_cr8() == 0);
    return 0;
}

static ULONG64 rdtsc(void)
{
    ULONG a, d;
    __asm__ volatile("rdtsc" : "=a"(a), "=d"(d));
    return (ULONG64)d << 32 | a;
}

EXPORT int counter(void)
{
    ULONG64 a = rdtsc(), b = rdtsc();
    CHECK(b > a && b - a < 100000);
    return 0;
}

EXPORT int processor(void)
{
    ULONG a, b, c, d, x[5];
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0), "c"(0));
    CHECK(b == 0x756E6547 && d == 0x49656E69 && c == 0x6C65746E);
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
    CHECK(!(c & (1 << 28)) && !(c & (1 << 27)) && (c & (1 << 20)));
    __asm__ volatile("cpuid" : "=a"(x[0]), "=b"(x[1]), "=c"(x[2]), "=d"(x[3]) : "a"(0x80000002), "c"(0));
    x[4] = 0;
    CHECK(((char *)x)[0] == 'i' && ((char *)x)[6] == ' ');
    return 0;
}

EXPORT int random(void)
{
    ULONG64 a, b;
    UCHAR ok;
    __asm__ volatile("rdrand %0; setc %1" : "=r"(a), "=qm"(ok));
    CHECK(ok);
    __asm__ volatile("rdseed %0; setc %1" : "=r"(b), "=qm"(ok));
    CHECK(ok && a != b);
    return 0;
}

EXPORT int ports(void)
{
    UCHAR byte = 0;
    ULONG word = 0;
    __asm__ volatile("inb $0x60, %0" : "=a"(byte));
    __asm__ volatile("inl %%dx, %0" : "=a"(word) : "d"(0x3F8));
    __asm__ volatile("outb %0, $0x80" : : "a"((UCHAR)1));
    CHECK(byte == 0xFF && word == 0xFFFFFFFF);
    return 0;
}

EXPORT int interrupts(void)
{
    ULONG64 on, off, again;
    __asm__ volatile("pushfq; cli; pushfq; popq %1; popfq; pushfq; popq %2; pushfq; popq %0" : "=&r"(on), "=&r"(off), "=&r"(again));
    CHECK(!(off & 0x200) && (again & 0x200) && (on & 0x200));
    __asm__ volatile("cli; sti");
    return 0;
}

EXPORT int msr(void)
{
    ULONG a, d;
    __asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(0xC0000080));
    CHECK(a == 0xD01 && d == 0);
    __try {
        __asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(0x4711));
        return __LINE__;
    } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION) {
    }
    __try {
        __asm__ volatile("wrmsr" : : "a"(0), "d"(0), "c"(0x4711));
        return __LINE__;
    } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION) {
    }
    return 0;
}

EXPORT int tables(void)
{
    UCHAR gdt[10] = { 0 }, idt[10] = { 0 };
    ULONG machine_status = 0;
    USHORT task = 1, local = 1;
    __asm__ volatile("sgdt %0" : "=m"(gdt));
    __asm__ volatile("sidt %0" : "=m"(idt));
    __asm__ volatile("smsw %0" : "=r"(machine_status));
    __asm__ volatile("str %0" : "=m"(task));
    __asm__ volatile("sldt %0" : "=m"(local));
    CHECK(*(USHORT *)gdt == 0x57 && *(USHORT *)idt == 0xFFF);
    CHECK(machine_status == 0x80050033 && task == 0x40 && local == 0);
    return 0;
}

EXPORT int ignored(void)
{
    ULONG64 cr0, cr4, dr7;
    __asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("movq %0, %%cr0" : : "r"(cr0 & ~0x10000ull));
    __asm__ volatile("movq %%dr7, %0" : "=r"(dr7));
    __asm__ volatile("wbinvd; invlpg (%0)" : : "r"(&cr0));
    CHECK((cr0 & 0x80000001) == 0x80000001 && (cr4 & 0x20) && dr7 == 0x400);
    return 0;
}

/* The fixed address of the page that inlined clock functions read. */
#define SHARED ((volatile UCHAR *)0xFFFFF78000000000)

EXPORT int shared_data(void)
{
    LARGE_INTEGER t, u;
    for (int i = 0; i < 40; i++) {
        CHECK(*(volatile ULONG *)(SHARED + 0x26C) == 10);
        CHECK(*(volatile USHORT *)(SHARED + 0x30) == 'C');
    }
    CHECK(*(volatile ULONG *)(SHARED + 0x26C) * 2 == 20);
    ULONG sum = 3;
    sum += *(volatile ULONG *)(SHARED + 0x26C);
    CHECK(sum == 13);
    t.QuadPart = *(volatile LONGLONG *)(SHARED + 0x8);
    KeQuerySystemTime(&u);
    CHECK(t.QuadPart > 0 && u.QuadPart > t.QuadPart);
    return 0;
}

static LONG shared;

EXPORT int atomics(void)
{
    LONG64 wide = 0x100000000;
    PVOID routine = &wide;
    LONG64 pair[2] __attribute__((aligned(16))) = { 1, 2 }, expect[2] = { 1, 2 };
    CHECK(InterlockedIncrement(&shared) == 1);
    CHECK(InterlockedExchangeAdd(&shared, 5) == 1);
    CHECK(InterlockedCompareExchange(&shared, 9, 6) == 6 && shared == 9);
    CHECK(InterlockedCompareExchange(&shared, 9, 6) == 9);
    CHECK(InterlockedExchange(&shared, 0) == 9);
    CHECK(InterlockedIncrement64(&wide) == 0x100000001);
    CHECK(InterlockedExchangePointer(&routine, NULL) == &wide && routine == NULL);
    CHECK(InterlockedOr(&shared, 6) == 0 && shared == 6);
    CHECK(_interlockedbittestandset((volatile LONG *)&shared, 0) == 0 && shared == 7);
    UCHAR swapped;
    __asm__ volatile("lock cmpxchg16b %0; setz %1" : "+m"(pair), "=q"(swapped), "+a"(expect[0]), "+d"(expect[1]) : "b"(3ll), "c"(4ll) : "memory");
    CHECK(swapped && pair[0] == 3 && pair[1] == 4);
    shared = 0;
    return 0;
}

EXPORT int atomic_fault(void)
{
    volatile LONG *bad = (volatile LONG *)0x200000123000;
    PVOID address = NULL;
    __try {
        InterlockedIncrement(bad);
        return __LINE__;
    } __except (address = ((EXCEPTION_POINTERS *)GetExceptionInformation())->ExceptionRecord->ExceptionAddress, EXCEPTION_EXECUTE_HANDLER) {
        CHECK(GetExceptionCode() == STATUS_ACCESS_VIOLATION);
    }
    CHECK((char *)address > (char *)atomic_fault && (char *)address < (char *)atomic_fault + 300);
    return 0;
}

/* Two of these run at once. Without points between load and store nothing is lost. */
static volatile LONG lock, plain, turns;

EXPORT int contender(void)
{
    for (int i = 0; i < 50; i++) {
        while (InterlockedExchange(&lock, 1) != 0)
            YieldProcessor();
        LONG v = plain;
        InterlockedIncrement(&turns);
        plain = v + 1;
        InterlockedExchange(&lock, 0);
    }
    return plain;
}

/* All registers are there again after a point that switched. */
EXPORT int registers(void)
{
    ULONG64 bad = 0;
    for (int i = 0; i < 20; i++)
        __asm__ volatile("movq $0x1111111111111111, %%rax; movq %%rax, %%xmm0; movq $0x2222222222222222, %%rbx; movq $0x3333333333333333, %%rcx;"
                         "movq $0x4444444444444444, %%rdx; movq $0x5555555555555555, %%rsi; movq %%rsi, %%xmm7; movq $0x6666666666666666, %%r8;"
                         "movq $0x7777777777777777, %%r11; movq $0x8888888, %%r15; stc;"
                         "lock incl (%%rdi); sbbq %%r9, %%r9; cmpq $-1, %%r9; jne 1f;"
                         "movq $0x1111111111111111, %%r9; cmpq %%r9, %%rax; jne 1f; movq %%xmm0, %%r10; cmpq %%r9, %%r10; jne 1f;"
                         "movq $0x2222222222222222, %%r9; cmpq %%r9, %%rbx; jne 1f; movq $0x3333333333333333, %%r9; cmpq %%r9, %%rcx; jne 1f;"
                         "movq $0x4444444444444444, %%r9; cmpq %%r9, %%rdx; jne 1f; movq $0x5555555555555555, %%r9; cmpq %%r9, %%rsi; jne 1f;"
                         "movq %%xmm7, %%r10; cmpq %%r9, %%r10; jne 1f;"
                         "movq $0x6666666666666666, %%r9; cmpq %%r9, %%r8; jne 1f; movq $0x7777777777777777, %%r9; cmpq %%r9, %%r11; jne 1f;"
                         "cmpq $0x8888888, %%r15; je 2f; 1: movq $1, %0; 2:"
                         : "+m"(bad)
                         : "D"(&shared)
                         : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r15", "xmm0", "xmm7", "memory", "cc");
    CHECK(bad == 0);
    return 0;
}

EXPORT int wide_registers(void)
{
    ULONG64 a[4] = { 1, 2, 3, 4 }, b[4] = { 0 };
    __asm__ volatile("vmovdqu %1, %%ymm3; lock incl (%%rdi); vmovdqu %%ymm3, %0; vzeroupper" : "=m"(b) : "m"(a), "D"(&shared) : "xmm3", "memory");
    CHECK(b[0] == 1 && b[1] == 2 && b[2] == 3 && b[3] == 4);
    return 0;
}

EXPORT int spin(void)
{
    for (;;)
        __asm__ volatile("" : : : "memory");
}

/* Carries something from turn to turn: only the watchdog finds it. */
EXPORT int long_way(void)
{
    for (ULONG64 i = 0;; i++)
        plain = (LONG)i;
}

static volatile LONG flag, answer;

/* A loop without a call in it waits for another thread. */
EXPORT int waiter(void)
{
    while (!flag)
        ;
    answer = 1;
    return flag == 2 ? 0 : __LINE__;
}

EXPORT int setter(void)
{
    flag = 2;
    while (answer == 0 && flag < 5)
        ;
    return 0;
}

/* Time passes while nobody does anything but spin. */
EXPORT int time_waiter(void)
{
    KTIMER timer;
    LARGE_INTEGER due;
    due.QuadPart = -20000;
    KeInitializeTimer(&timer);
    KeSetTimer(&timer, due, NULL);
    while (!*(volatile LONG *)&timer.Header.SignalState)
        ;
    return 0;
}

EXPORT int direct_system_call(void)
{
    ULONG64 r = 60;
    __asm__ volatile("syscall" : "+a"(r) : : "rcx", "r11", "memory");
    return __LINE__;
}
