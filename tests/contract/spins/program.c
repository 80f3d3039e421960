/* The same from a program. */
#include "contract_program.h"

static volatile LONG flag, turn;
static LONG turns;

static DWORD WINAPI set_flag(void *p)
{
    flag = 1;
    return 0;
}

static DWORD WINAPI in_turn(void *p)
{
    LONG me = (LONG)(LONG_PTR)p, n = 0;
    while (turn != me)
        n++;
    turn = me + 1;
    return n >= 0;
}

static void counts(HANDLE device)
{
    flag = 0;
    HANDLE t = CreateThread(NULL, 0, set_flag, NULL, 0, NULL);
    while (!flag)
        turns++;
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
}

static void three_in_turn(HANDLE device)
{
    HANDLE t[3];
    for (int i = 0; i < 3; i++)
        t[i] = CreateThread(NULL, 0, in_turn, (void *)(LONG_PTR)(2 - i), 0, NULL);
    WaitForMultipleObjects(3, t, TRUE, INFINITE);
    CHECK_EQ(turn, 3);
    for (int i = 0; i < 3; i++)
        CloseHandle(t[i]);
}

/* A jump back through a register, and one that counts. */
static void other_jumps(HANDLE device)
{
    unsigned long long n = 0, left = ~0ull;
    void *back;
    flag = 0;
    HANDLE t = CreateThread(NULL, 0, set_flag, NULL, 0, NULL);
    __asm__ volatile("lea 1f(%%rip), %1\n"
                     "1: inc %0\n"
                     "cmpl $0, %2\n"
                     "jne 2f\n"
                     "jmp *%1\n"
                     "2:"
                     : "+r"(n), "=&r"(back)
                     : "m"(flag)
                     : "cc", "memory");
    CHECK(n > 0);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
    flag = 0;
    t = CreateThread(NULL, 0, set_flag, NULL, 0, NULL);
    __asm__ volatile("1: inc %0\n"
                     "cmpl $0, %2\n"
                     "loope 1b\n"
                     : "+r"(n), "+c"(left)
                     : "m"(flag)
                     : "cc", "memory");
    CHECK(left != 0);
    CHECK_EQ(flag, 1);
    WaitForSingleObject(t, INFINITE);
    CloseHandle(t);
}

const struct program_test program_tests[] = {
    { "counts while it waits", counts },
    { "three in turn", three_in_turn },
    { "other jumps", other_jumps },
    { NULL, NULL },
};
