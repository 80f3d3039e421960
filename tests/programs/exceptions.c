/* Exceptions of programs: structured handlers, vectored handlers, repairs that go on, jumps, deep stacks. */
#include "check.h"

#include <setjmp.h>
#include <string.h>

static volatile int *volatile bad = (int *)0x10;
static volatile int sink, zero;

/* ---- structured ---- */

static LONG keep(EXCEPTION_POINTERS *p, EXCEPTION_RECORD *out)
{
    *out = *p->ExceptionRecord;
    return EXCEPTION_EXECUTE_HANDLER;
}

static void test_faults(void)
{
    EXCEPTION_RECORD r = { 0 };
    __try {
        sink = *bad;
        CHECK(!"the load came back");
    } __except (keep(GetExceptionInformation(), &r)) {
    }
    CHECK_EQ(r.ExceptionCode, EXCEPTION_ACCESS_VIOLATION);
    CHECK_EQ(r.NumberParameters, 2);
    CHECK_EQ(r.ExceptionInformation[0], 0);
    CHECK_EQ(r.ExceptionInformation[1], 0x10);
    __try {
        *bad = 1;
    } __except (keep(GetExceptionInformation(), &r)) {
    }
    CHECK_EQ(r.ExceptionInformation[0], 1);
    __try {
        sink = 10 / zero;
    } __except (keep(GetExceptionInformation(), &r)) {
    }
    CHECK_EQ(r.ExceptionCode, EXCEPTION_INT_DIVIDE_BY_ZERO);
    __try {
        __asm__ volatile("hlt");
    } __except (keep(GetExceptionInformation(), &r)) {
    }
    CHECK_EQ(r.ExceptionCode, EXCEPTION_PRIV_INSTRUCTION);
    __try {
        __asm__ volatile("ud2");
    } __except (keep(GetExceptionInformation(), &r)) {
    }
    CHECK_EQ(r.ExceptionCode, EXCEPTION_ILLEGAL_INSTRUCTION);
    __try {
        DebugBreak();
    } __except (keep(GetExceptionInformation(), &r)) {
    }
    CHECK_EQ(r.ExceptionCode, EXCEPTION_BREAKPOINT);
}

/* The run-time library and the system touch bad memory for the program. */
static void test_faults_inside_calls(void)
{
    EXCEPTION_RECORD r = { 0 };
    __try {
        sink = (int)strlen((const char *)bad);
    } __except (keep(GetExceptionInformation(), &r)) {
    }
    CHECK_EQ(r.ExceptionCode, EXCEPTION_ACCESS_VIOLATION);
}

static int trail;

static __attribute__((noinline)) void raise(DWORD code, DWORD flags)
{
    ULONG_PTR arguments[2] = { 11, 22 };
    RaiseException(code, flags, 2, arguments);
}

static __attribute__((noinline)) void with_finally(DWORD code)
{
    __try {
        raise(code, 0);
        trail = trail * 10 + 8;
    } __finally {
        trail = trail * 10 + (AbnormalTermination() ? 2 : 9);
    }
}

static void test_raise(void)
{
    EXCEPTION_RECORD r = { 0 };
    trail = 0;
    __try {
        with_finally(0xE0001234);
    } __except (trail = 1, keep(GetExceptionInformation(), &r)) {
        trail = trail * 10 + 3;
    }
    CHECK_EQ(trail, 123);
    CHECK_EQ(r.ExceptionCode, 0xE0001234);
    CHECK_EQ(r.NumberParameters, 2);
    CHECK_EQ(r.ExceptionInformation[1], 22);
    trail = 0;
    __try {
        with_finally(0xE0001235);
    } __except (EXCEPTION_CONTINUE_EXECUTION) {
    }
    CHECK_EQ(trail, 89);
}

static LONG code_filter(EXCEPTION_POINTERS *p, DWORD *code)
{
    *code = p->ExceptionRecord->ExceptionCode;
    return *code == EXCEPTION_NONCONTINUABLE_EXCEPTION ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_EXECUTION;
}

static void test_noncontinuable(void)
{
    DWORD code = 0;
    __try {
        raise(0xE0000001, EXCEPTION_NONCONTINUABLE);
    } __except (code_filter(GetExceptionInformation(), &code)) {
    }
    CHECK_EQ(code, EXCEPTION_NONCONTINUABLE_EXCEPTION);
}

/* ---- vectored ---- */

static char order[16];
static int order_length;
static DWORD handled_code;

static LONG note(char name, EXCEPTION_POINTERS *p)
{
    order[order_length++] = name;
    return p->ExceptionRecord->ExceptionCode == handled_code ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

static LONG CALLBACK first(EXCEPTION_POINTERS *p)
{
    order[order_length++] = 'a';
    return EXCEPTION_CONTINUE_SEARCH;
}

static LONG CALLBACK second(EXCEPTION_POINTERS *p)
{
    return note('b', p);
}

static LONG CALLBACK after(EXCEPTION_POINTERS *p)
{
    order[order_length++] = 'c';
    return EXCEPTION_CONTINUE_SEARCH;
}

static void test_vectored(void)
{
    PVOID b = AddVectoredExceptionHandler(0, second), a = AddVectoredExceptionHandler(1, first), c = AddVectoredContinueHandler(0, after);
    CHECK(a && b && c);
    handled_code = 0xE0000002;
    raise(0xE0000002, 0);
    __try {
        raise(0xE0000003, 0);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        order[order_length++] = 'd';
    }
    CHECK_STR(order, "abcabd");
    CHECK(RemoveVectoredExceptionHandler(a));
    CHECK(RemoveVectoredExceptionHandler(b));
    CHECK(RemoveVectoredContinueHandler(c));
    CHECK(!RemoveVectoredExceptionHandler(a));
}

/* Memory that comes when it is touched. */
static char *reserved;
static int commits;

static LONG CALLBACK commit(EXCEPTION_POINTERS *p)
{
    ULONG_PTR at = p->ExceptionRecord->ExceptionInformation[1];
    if (p->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION || at - (ULONG_PTR)reserved >= 0x10000)
        return EXCEPTION_CONTINUE_SEARCH;
    commits++;
    return VirtualAlloc((void *)(at & ~0xFFFull), 0x1000, MEM_COMMIT, PAGE_READWRITE) ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

static void test_repair(void)
{
    PVOID h = AddVectoredExceptionHandler(1, commit);
    reserved = VirtualAlloc(NULL, 0x10000, MEM_RESERVE, PAGE_READWRITE);
    CHECK(reserved != NULL);
    volatile char *p = reserved;
    p[0x5123] = 7;
    CHECK_EQ(p[0x5123], 7);
    CHECK_EQ(commits, 1);
    strcpy(reserved + 0x2000, "written by the run-time library");
    CHECK_STR(reserved + 0x2000, "written by the run-time library");
    CHECK_EQ(commits, 2);
    CHECK(RemoveVectoredExceptionHandler(h));
}

/* ---- jumps and stacks ---- */

static jmp_buf buffer;

static __attribute__((noinline)) void jump(int depth)
{
    if (depth)
        jump(depth - 1);
    longjmp(buffer, 7);
}

static void test_jump(void)
{
    volatile int before = 3;
    int r = setjmp(buffer);
    if (r == 0) {
        before = 4;
        jump(5);
    }
    CHECK_EQ(r, 7);
    CHECK_EQ(before, 4);
}

static __attribute__((noinline)) int deep(int depth)
{
    volatile char page[3000];
    page[depth % 3000] = 1;
    return depth == 0 ? 1 : deep(depth - 1) + page[depth % 3000];
}

static void test_deep(void)
{
    CHECK_EQ(deep(150), 151);
    volatile char large[300000];
    large[0] = 1;
    large[299999] = 2;
    CHECK_EQ(large[0] + large[299999], 3);
}

static __attribute__((noinline)) int endless(int depth)
{
    volatile char page[1000];
    page[depth % 1000] = 1;
    return endless(depth + 1) + page[(depth + 1) % 1000];
}

/* The last pages of a stack are for the handling of its end. */
static DWORD WINAPI overflow(void *arg)
{
    EXCEPTION_RECORD r = { 0 };
    __try {
        endless(1);
    } __except (keep(GetExceptionInformation(), &r)) {
    }
    return r.ExceptionCode;
}

static void test_overflow(void)
{
    DWORD code = 0;
    HANDLE t = CreateThread(NULL, 0, overflow, NULL, 0, NULL);
    WaitForSingleObject(t, INFINITE);
    GetExitCodeThread(t, &code);
    CHECK_EQ(code, EXCEPTION_STACK_OVERFLOW);
    CloseHandle(t);
}

static __attribute__((noinline)) USHORT trace(void **out)
{
    USHORT n = CaptureStackBackTrace(0, 8, out, NULL);
    sink = n;
    return n;
}

static void test_trace(void)
{
    void *out[8] = { 0 };
    CHECK(trace(out) >= 3);
    CHECK((char *)out[0] > (char *)trace && (char *)out[0] < (char *)trace + 100);
    CHECK((char *)out[1] > (char *)test_trace && (char *)out[1] < (char *)test_trace + 200);
}

static DWORD WINAPI thread(void *arg)
{
    EXCEPTION_RECORD r = { 0 };
    __try {
        *bad = 1;
    } __except (keep(GetExceptionInformation(), &r)) {
    }
    return r.ExceptionCode;
}

static void test_thread(void)
{
    DWORD code = 0;
    HANDLE t = CreateThread(NULL, 0, thread, NULL, 0, NULL);
    WaitForSingleObject(t, INFINITE);
    GetExitCodeThread(t, &code);
    CHECK_EQ(code, EXCEPTION_ACCESS_VIOLATION);
    CloseHandle(t);
}

/* The page with the system's times, where it is on every Windows. */
static void test_shared_page(void)
{
    CHECK_EQ(*(volatile ULONG *)0x7FFE026C, 10);
    CHECK_EQ(*(volatile WCHAR *)0x7FFE0030, 'C');
}

int main(void)
{
    test_faults();
    test_faults_inside_calls();
    test_raise();
    test_noncontinuable();
    test_vectored();
    test_repair();
    test_jump();
    test_deep();
    test_overflow();
    test_trace();
    test_thread();
    test_shared_page();
    printf("exceptions: %d failures\n", check_failures);
    return check_failures;
}
