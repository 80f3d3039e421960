/* Files and folders: C streams, CreateFile, sharing, attributes, searching, the null device. Leaves nothing behind. */
#include "check.h"

#include <io.h>
#include <fcntl.h>

static char b[200];
static DWORD n;

static void test_streams(void)
{
    CHECK(fopen("irplab-none.txt", "r") == NULL);
    FILE *f = fopen("irplab-1.txt", "w");
    CHECK(f != NULL);
    fprintf(f, "line 1\nline %d\n", 2);
    CHECK_EQ(ftell(f), 16);
    fclose(f);
    f = fopen("irplab-1.txt", "r");
    CHECK(fgets(b, sizeof b, f) != NULL);
    CHECK_STR(b, "line 1\n");
    CHECK_EQ(ftell(f), 8);
    CHECK(fgets(b, sizeof b, f) != NULL);
    CHECK(fgets(b, sizeof b, f) == NULL && feof(f));
    fclose(f);
    f = fopen("irplab-1.txt", "a+b");
    fputs("more", f);
    fseek(f, -4, SEEK_END);
    CHECK_EQ(fread(b, 1, sizeof b, f), 4);
    CHECK(memcmp(b, "more", 4) == 0);
    rewind(f);
    CHECK_EQ(fgetc(f), 'l');
    fclose(f);
    CHECK_EQ(_access("irplab-1.txt", 0), 0);
    CHECK_EQ(rename("irplab-1.txt", "irplab-2.txt"), 0);
    CHECK_EQ(_access("irplab-1.txt", 0), -1);
    int fd = _open("irplab-2.txt", _O_RDWR | _O_BINARY);
    CHECK_EQ(_filelength(fd), 20);
    CHECK_EQ(_lseek(fd, 2, SEEK_SET), 2);
    CHECK_EQ(_write(fd, "X", 1), 1);
    _close(fd);
    CHECK_EQ(remove("irplab-2.txt"), 0);
    CHECK_EQ(remove("irplab-2.txt"), -1);
    f = tmpfile();
    CHECK(f != NULL);
    fputs("temporary", f);
    rewind(f);
    CHECK(fgets(b, sizeof b, f) != NULL);
    CHECK_STR(b, "temporary");
    fclose(f);
}

static void test_handles(void)
{
    HANDLE h = CreateFileA("irplab-3.bin", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_NEW, 0, NULL), second;
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(WriteFile(h, "0123456789", 10, &n, NULL) && n == 10);
    CHECK_EQ(SetFilePointer(h, -4, NULL, FILE_END), 6);
    CHECK(ReadFile(h, b, sizeof b, &n, NULL) && n == 4);
    CHECK(ReadFile(h, b, sizeof b, &n, NULL) && n == 0);
    CHECK_EQ(GetFileSize(h, NULL), 10);
    CHECK_EQ(GetFileType(h), FILE_TYPE_DISK);
    CHECK(CreateFileA("irplab-3.bin", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_SHARING_VIOLATION);
    second = CreateFileA("irplab-3.bin", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(second != INVALID_HANDLE_VALUE);
    CHECK(!WriteFile(second, "x", 1, &n, NULL));
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CloseHandle(second);
    CHECK(CreateFileA("irplab-3.bin", GENERIC_READ, 0, NULL, CREATE_NEW, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_FILE_EXISTS);
    SetFilePointer(h, 3, NULL, FILE_BEGIN);
    CHECK(SetEndOfFile(h));
    CHECK_EQ(GetFileSize(h, NULL), 3);
    CHECK(!DeleteFileA("irplab-3.bin"));
    CHECK_EQ(GetLastError(), ERROR_SHARING_VIOLATION);
    CloseHandle(h);
    CHECK(SetFileAttributesA("irplab-3.bin", FILE_ATTRIBUTE_READONLY));
    CHECK(GetFileAttributesA("irplab-3.bin") & FILE_ATTRIBUTE_READONLY);
    CHECK(!DeleteFileA("irplab-3.bin"));
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CHECK(SetFileAttributesA("irplab-3.bin", FILE_ATTRIBUTE_NORMAL));
    CHECK(DeleteFileA("irplab-3.bin"));
    CHECK(!DeleteFileA("irplab-3.bin"));
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK(CreateFileA("C:\\irplab-none\\x", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_PATH_NOT_FOUND);
    CHECK(CreateFileA("a|b", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_INVALID_NAME);
}

static void test_folders(void)
{
    WIN32_FIND_DATAA d;
    CHECK(CreateDirectoryA("irplab-folder", NULL));
    CHECK(!CreateDirectoryA("irplab-folder", NULL));
    CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    CHECK(GetFileAttributesA("irplab-folder") & FILE_ATTRIBUTE_DIRECTORY);
    CHECK(CloseHandle(CreateFileA("irplab-folder\\a.txt", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL)));
    CHECK(CopyFileA("irplab-folder\\a.txt", "irplab-folder\\b.dat", TRUE));
    HANDLE s = FindFirstFileA("irplab-folder\\*.TXT", &d);
    CHECK(s != INVALID_HANDLE_VALUE);
    CHECK_STR(d.cFileName, "a.txt");
    CHECK(!FindNextFileA(s, &d));
    CHECK_EQ(GetLastError(), ERROR_NO_MORE_FILES);
    CHECK(FindClose(s));
    CHECK(!RemoveDirectoryA("irplab-folder"));
    CHECK_EQ(GetLastError(), ERROR_DIR_NOT_EMPTY);
    CHECK(MoveFileA("irplab-folder\\a.txt", "irplab-folder\\c.txt"));
    CHECK(!MoveFileA("irplab-folder\\c.txt", "irplab-folder\\b.dat"));
    CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    CHECK(DeleteFileA("irplab-folder\\c.txt"));
    CHECK(DeleteFileA("irplab-folder\\b.dat"));
    CHECK(RemoveDirectoryA("irplab-folder"));
}

static void test_null(void)
{
    HANDLE h = CreateFileA("NUL", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(WriteFile(h, "abc", 3, &n, NULL) && n == 3);
    CHECK(ReadFile(h, b, 3, &n, NULL) && n == 0);
    CHECK_EQ(GetFileType(h), FILE_TYPE_CHAR);
    CloseHandle(h);
}

int main(void)
{
    test_streams();
    test_handles();
    test_folders();
    test_null();
    return check_failures;
}
