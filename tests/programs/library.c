/* The DLL of modules.c: says what DllMain was told, has a function, a variable and a thread-local one. */
#include <windows.h>

__declspec(dllexport) int library_told[4]; /* by reason */
__declspec(dllexport) int library_variable = 12;
static __thread int counter = 5;

__declspec(dllexport) int library_count(void)
{
    return counter++;
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID reserved)
{
    library_told[reason]++;
    /* With LIBRARY_EXIT set the end of the process is visible to whoever reads the program's output. */
    if (reason == DLL_PROCESS_DETACH && reserved && GetEnvironmentVariableA("LIBRARY_EXIT", NULL, 0)) {
        DWORD n;
        WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), "detached\n", 9, &n, NULL);
    }
    return GetEnvironmentVariableA("LIBRARY_REFUSE", NULL, 0) == 0;
}
