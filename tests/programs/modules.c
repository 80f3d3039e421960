/* DLLs beside the program: one that it is linked with (library.dll) and one that it loads (library2.dll, the same code). */
#include "check.h"

__declspec(dllimport) extern int library_told[4], library_variable;
__declspec(dllimport) int library_count(void);

static DWORD WINAPI thread(void *unused)
{
    return (DWORD)library_count();
}

static void test_static(void)
{
    DWORD code = 0;
    CHECK_EQ(library_told[DLL_PROCESS_ATTACH], 1);
    CHECK_EQ(library_variable, 12);
    CHECK_EQ(library_count(), 5);
    CHECK_EQ(library_count(), 6);
    HANDLE t = CreateThread(NULL, 0, thread, NULL, 0, NULL);
    CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
    CHECK(GetExitCodeThread(t, &code));
    CHECK_EQ(code, 5);
    CHECK_EQ(library_told[DLL_THREAD_ATTACH], 1);
    CHECK_EQ(library_told[DLL_THREAD_DETACH], 1);
}

static void test_dynamic(void)
{
    char name[MAX_PATH];
    CHECK(GetModuleHandleA("library2.dll") == NULL);
    HMODULE m = LoadLibraryA("Library2");
    CHECK(m != NULL);
    CHECK(m == LoadLibraryA("LIBRARY2.DLL"));
    int *told = (int *)GetProcAddress(m, "library_told");
    int (*count)(void) = (int (*)(void))GetProcAddress(m, "library_count");
    CHECK_EQ(told[DLL_PROCESS_ATTACH], 1);
    CHECK_EQ(count(), 5);
    CHECK(GetProcAddress(m, "library_nothing") == NULL);
    CHECK_EQ(GetLastError(), ERROR_PROC_NOT_FOUND);
    CHECK(GetModuleFileNameA(m, name, sizeof name) > 0);
    CHECK_EQ(_stricmp(strrchr(name, '\\'), "\\library2.dll"), 0);
    CHECK(FreeLibrary(m));
    CHECK(GetModuleHandleA("library2.dll") == m);
    CHECK(FreeLibrary(m));
    CHECK(GetModuleHandleA("library2.dll") == NULL);
    CHECK(LoadLibraryA("library3.dll") == NULL);
    CHECK_EQ(GetLastError(), ERROR_MOD_NOT_FOUND);
    SetEnvironmentVariableA("LIBRARY_REFUSE", "1");
    CHECK(LoadLibraryA("library2.dll") == NULL);
    CHECK_EQ(GetLastError(), ERROR_DLL_INIT_FAILED);
    SetEnvironmentVariableA("LIBRARY_REFUSE", NULL);
}

int main(void)
{
    test_static();
    test_dynamic();
    SetEnvironmentVariableA("LIBRARY_EXIT", "1");
    return check_failures;
}
