/* What Microsoft's compiler takes in a program, and C does not: a void main with an unsigned count, headers in any case, a
 * function that nobody declared. */
#include <Windows.h>
#include <STDIO.H>
#include ".\Check.h"

VOID __cdecl main(ULONG argc, PCHAR argv[])
{
    CHECK(argc == 1);
    CHECK(argv[0] != NULL && argv[argc] == NULL);
    CHECK(undeclared_twice(21) == 42);
    printf("%s\n", check_failures ? "bad" : "good");
    if (check_failures)
        ExitProcess(1);
}

int undeclared_twice(int n)
{
    return 2 * n;
}
