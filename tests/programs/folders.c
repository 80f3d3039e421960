/* Folders: the current one, looking for files, the volume, and the C run-time's view of paths. */
#include "check.h"

#include <direct.h>
#include <errno.h>
#include <io.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <wchar.h>

static char here[MAX_PATH];

static void make(const char *name, const char *text)
{
    DWORD done;
    HANDLE h = CreateFileA(name, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(WriteFile(h, text, (DWORD)strlen(text), &done, NULL));
    CloseHandle(h);
}

static void test_current(void)
{
    char text[MAX_PATH], full[MAX_PATH], *part;
    DWORD n = GetCurrentDirectoryA(sizeof here, here);
    CHECK_EQ(n, strlen(here));
    CHECK_EQ(GetCurrentDirectoryA(3, text), n + 1);
    CHECK(CreateDirectoryA("folders-test", NULL));
    CHECK(SetCurrentDirectoryA("folders-test"));
    n = GetCurrentDirectoryA(sizeof text, text);
    CHECK_EQ(n, strlen(here) + 13);
    CHECK_STR(text + strlen(here), "\\folders-test");
    make("a.txt", "hello");
    snprintf(full, sizeof full, "%s\\folders-test\\a.txt", here);
    CHECK(GetFileAttributesA(full) != INVALID_FILE_ATTRIBUTES);
    GetFullPathNameA("x\\..\\a.txt", sizeof text, text, &part);
    CHECK_STR(text, full);
    CHECK_STR(part, "a.txt");
    /* What is refused changes nothing. */
    CHECK(!SetCurrentDirectoryA("nowhere"));
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK(!SetCurrentDirectoryA("a.txt"));
    CHECK_EQ(GetLastError(), ERROR_DIRECTORY);
    CHECK(GetFileAttributesA("a.txt") != INVALID_FILE_ATTRIBUTES);
    CHECK(SetCurrentDirectoryW(L"C:\\"));
    WCHAR wide[MAX_PATH];
    CHECK_EQ(GetCurrentDirectoryW(MAX_PATH, wide), 3);
    CHECK(wcscmp(wide, L"C:\\") == 0);
    CHECK(SetCurrentDirectoryA(here));
}

static void test_search(void)
{
    char text[MAX_PATH], folder[MAX_PATH], *part;
    snprintf(folder, sizeof folder, "C:\\nowhere;%s\\folders-test", here);
    CHECK_EQ(SearchPathA(NULL, "a.txt", NULL, sizeof text, text, &part), 0);
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    DWORD n = SearchPathA(folder, "a.txt", NULL, sizeof text, text, &part);
    CHECK_EQ(n, strlen(text));
    CHECK_STR(part, "a.txt");
    CHECK_EQ(SearchPathA(folder, "a", ".txt", sizeof text, text, NULL), n);
    CHECK_EQ(SearchPathA(folder, "a", ".dat", sizeof text, text, NULL), 0);
    CHECK_EQ(SearchPathA(folder, "a.txt", NULL, 4, text, NULL), n + 1);
    CHECK(SetCurrentDirectoryA("folders-test"));
    CHECK_EQ(SearchPathA(NULL, "a.txt", NULL, sizeof text, text, NULL), n);
    CHECK(SetCurrentDirectoryA(here));
}

static void test_volume(void)
{
    DWORD serial = 0, component = 0, flags = 0, sectors, bytes, free_clusters, clusters;
    char system[32] = "";
    ULARGE_INTEGER available, total, unused;
    CHECK(GetVolumeInformationA("C:\\", NULL, 0, &serial, &component, &flags, system, sizeof system));
    CHECK_STR(system, "NTFS");
    CHECK_EQ(component, 255);
    CHECK(!GetVolumeInformationA("Q:\\", NULL, 0, &serial, NULL, NULL, NULL, 0));
    CHECK_EQ(GetLastError(), ERROR_PATH_NOT_FOUND);
    CHECK(GetDiskFreeSpaceExA("C:\\", &available, &total, &unused));
    CHECK(total.QuadPart >= unused.QuadPart && unused.QuadPart > 0);
    CHECK(GetDiskFreeSpaceA("C:\\", &sectors, &bytes, &free_clusters, &clusters));
    CHECK_EQ(bytes, 512);
    CHECK(clusters >= free_clusters);
}

static void test_parts(void)
{
    char drive[_MAX_DRIVE], folder[_MAX_DIR], name[_MAX_FNAME], extension[_MAX_EXT], path[_MAX_PATH];
    _splitpath("C:\\one\\two\\three.four.txt", drive, folder, name, extension);
    CHECK_STR(drive, "C:");
    CHECK_STR(folder, "\\one\\two\\");
    CHECK_STR(name, "three.four");
    CHECK_STR(extension, ".txt");
    _splitpath("plain", drive, folder, name, extension);
    CHECK_STR(drive, "");
    CHECK_STR(folder, "");
    CHECK_STR(name, "plain");
    CHECK_STR(extension, "");
    _makepath(path, "D", "a/b", "name", "ext");
    CHECK_STR(path, "D:a/b\\name.ext");
    WCHAR wide[_MAX_PATH], wide_name[_MAX_FNAME];
    _wsplitpath(L"x\\y.z", NULL, NULL, wide_name, NULL);
    CHECK(wcscmp(wide_name, L"y") == 0);
    _wmakepath(wide, NULL, L"x\\", L"y", L".z");
    CHECK(wcscmp(wide, L"x\\y.z") == 0);
}

static void test_crt(void)
{
    char text[MAX_PATH], full[MAX_PATH];
    struct _stat64 s;
    CHECK_EQ(_chdir("folders-test"), 0);
    snprintf(full, sizeof full, "%s\\folders-test", here);
    CHECK_STR(_getcwd(text, sizeof text), full);
    CHECK_EQ(_stat64("a.txt", &s), 0);
    CHECK_EQ(s.st_size, 5);
    CHECK_EQ(s.st_mode & _S_IFMT, _S_IFREG);
    CHECK(s.st_mode & _S_IWRITE);
    CHECK(s.st_mtime > 0);
    CHECK_EQ(_stat64(".", &s), 0);
    CHECK_EQ(s.st_mode & _S_IFMT, _S_IFDIR);
    CHECK_EQ(_stat64("none", &s), -1);
    CHECK_EQ(errno, ENOENT);
    FILE *f = fopen("a.txt", "r");
    CHECK_EQ(_fstat64(_fileno(f), &s), 0);
    CHECK_EQ(s.st_size, 5);
    fclose(f);
    CHECK(_fullpath(text, "a.txt", sizeof text) == text);
    strcat(full, "\\a.txt");
    CHECK_STR(text, full);
    CHECK(_fullpath(text, "a.txt", 4) == NULL);
    CHECK_EQ(errno, ERANGE);
    CHECK_EQ(_wmkdir(L"sub"), 0);
    CHECK_EQ(_wrename(L"sub", L"sub2"), 0);
    struct _finddata64i32_t found;
    intptr_t h = _findfirst64i32("*", &found);
    int files = 0, folders = 0;
    CHECK(h != -1);
    if (h != -1) {
        do {
            if (found.attrib & _A_SUBDIR)
                folders += strcmp(found.name, "sub2") == 0;
            else
                files += strcmp(found.name, "a.txt") == 0 && found.size == 5;
        } while (_findnext64i32(h, &found) == 0);
        CHECK_EQ(_findclose(h), 0);
    }
    CHECK_EQ(files, 1);
    CHECK_EQ(folders, 1);
    CHECK_EQ(_findfirst64i32("*.none", &found), -1);
    CHECK_EQ(_rmdir("sub2"), 0);
    CHECK_EQ(_wchdir(L".."), 0);
}

static void test_bad_text(void)
{
    char *page = VirtualAlloc(NULL, 0x2000, MEM_RESERVE, PAGE_NOACCESS);
    VirtualAlloc(page, 0x1000, MEM_COMMIT, PAGE_READWRITE);
    memset(page, 'x', 0x1000);
    CHECK(IsBadStringPtrA(page + 0xFF0, 100));
    CHECK(!IsBadStringPtrA(page + 0xFF0, 16));
    page[0xFFF] = 0;
    CHECK(!IsBadStringPtrA(page + 0xFF0, 100));
    CHECK(IsBadStringPtrW((WCHAR *)(page + 0xFE0), 100));
    CHECK(IsBadStringPtrA(NULL, 1));
    CHECK(IsBadStringPtrA((char *)16, 1));
}

int main(void)
{
    test_current();
    test_search();
    test_volume();
    test_parts();
    test_crt();
    test_bad_text();
    CHECK(DeleteFileA("folders-test\\a.txt"));
    CHECK(RemoveDirectoryA("folders-test"));
    return check_failures;
}
