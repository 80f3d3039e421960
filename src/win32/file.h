/* File functions that other parts of win32 use. */
#ifndef IRPLAB_WIN32_FILE_H
#define IRPLAB_WIN32_FILE_H

#include "win32/win32.h"

enum { CREATE_NEW = 1, CREATE_ALWAYS, OPEN_EXISTING, OPEN_ALWAYS, TRUNCATE_EXISTING };

HANDLE CreateFileW(const WCHAR *name, ULONG access, ULONG share, void *security, ULONG disposition, ULONG flags, HANDLE template);
BOOL CloseHandle(HANDLE handle);
ULONG GetLastError(void);
int lstrcmpiA(const char *a, const char *b);
/* ReadFile and WriteFile without OVERLAPPED. */
BOOL w32_file_read(HANDLE file, void *buffer, ULONG length, ULONG *done);
BOOL w32_file_write(HANDLE file, const void *buffer, ULONG length, ULONG *done);
/* The NT path of a Win32 path, into out (room characters, at least length + W32_PATH_MORE): see path.c. false: not a path. */
enum { W32_PATH_MORE = 324 };
bool w32_nt_path(const WCHAR *path, size_t length, WCHAR *out, size_t room, size_t *out_length);
/* The same with another current directory, which ends with a separator. */
bool w32_nt_path_from(const WCHAR *directory, size_t directory_length, const WCHAR *path, size_t length, WCHAR *out, size_t room, size_t *out_length);

#endif
