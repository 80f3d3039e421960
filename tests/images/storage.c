/* Thread-local storage and callbacks of a program and its DLLs; the DLL is this file with DLL defined. */
#include <windows.h>
#include <stdio.h>

static __thread int own = 7;
static __thread char zeroed[100];

static void say(const char *who, unsigned long reason, int reserved)
{
    printf("%s %lu%s\n", who, reason, reserved ? " (process)" : "");
    fflush(stdout);
}

#ifdef DLL
__declspec(dllexport) int Exported = 5;

__declspec(dllexport) int Count(int by)
{
    own += by;
    return own + zeroed[7];
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    say(NAME, reason, reserved != NULL);
#ifdef QUIET
    if (reason == DLL_PROCESS_ATTACH)
        DisableThreadLibraryCalls(instance);
#endif
#ifdef REFUSE
    return FALSE;
#else
    return TRUE;
#endif
}
#else
__declspec(dllimport) extern int Exported;
__declspec(dllimport) int Count(int by);

static void NTAPI callback(PVOID module, DWORD reason, PVOID reserved)
{
    say(module == GetModuleHandle(NULL) ? "program" : "other", reason, reserved != NULL);
}
__attribute__((section(".CRT$XLF"), used)) PIMAGE_TLS_CALLBACK entry = callback;

static DWORD WINAPI thread(PVOID unused)
{
    own += 3;
    printf("thread %d %d %d\n", own, zeroed[5], Count(1));
    return 0;
}

static int late(void)
{
    HMODULE module = LoadLibraryA("late.dll");
    int (*count)(int) = module ? (int (*)(int))(void *)GetProcAddress(module, "Count") : NULL;
    int value = count ? count(2) : -1;
    printf("late %d\n", value);
    return module && FreeLibrary(module) && !GetModuleHandleA("late.dll") ? 0 : 1;
}

int main(void)
{
    printf("main %d %d %d\n", own, Count(10), Exported);
    own = 100;
    HANDLE t = CreateThread(NULL, 0, thread, NULL, 0, NULL);
    WaitForSingleObject(t, INFINITE);
    printf("main %d %d\n", own, Count(0));
    if (LoadLibraryA("nowhere.dll") || GetLastError() != ERROR_MOD_NOT_FOUND)
        return 2;
    return late();
}
#endif
