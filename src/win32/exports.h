/* Exports of the user side that other files of this room call; documented where they are defined. */
#ifndef IRPLAB_WIN32_EXPORTS_H
#define IRPLAB_WIN32_EXPORTS_H

#include "win32/win32.h"

struct memory_information;
struct system_time;

uint64_t LoadLibraryExW(const WCHAR *name, HANDLE file, ULONG flags);
uint64_t VirtualAlloc(uint64_t address, uint64_t bytes, ULONG type, ULONG protect);
BOOL VirtualFree(uint64_t address, uint64_t bytes, ULONG type);
BOOL VirtualProtect(uint64_t address, uint64_t bytes, ULONG protect, ULONG *old);
uint64_t VirtualQuery(uint64_t address, struct memory_information *info, uint64_t bytes);
NTSTATUS RtlGetLastNtStatus(void);
BOOL SetFilePointerEx(HANDLE file, int64_t distance, int64_t *to, ULONG method);
BOOL DeleteFileW(const WCHAR *name);
BOOL MoveFileExW(const WCHAR *from, const WCHAR *to, ULONG flags);
ULONG GetFileAttributesW(const WCHAR *name);
ULONG GetFullPathNameW(const WCHAR *name, ULONG size, WCHAR *to, WCHAR **part);
ULONG GetTempFileNameW(const WCHAR *folder, const WCHAR *prefix, ULONG unique, WCHAR *to);
BOOL CreateDirectoryA(const char *name, void *security);
BOOL CreateDirectoryW(const WCHAR *name, void *security);
ULONG SearchPathW(const WCHAR *path, const WCHAR *name, const WCHAR *extension, ULONG size, WCHAR *to, WCHAR **part);
BOOL SetCurrentDirectoryW(const WCHAR *path);
ULONG GetCurrentDirectoryW(ULONG size, WCHAR *buffer);
BOOL GetFileAttributesExW(const WCHAR *name, ULONG level, ULONG *to);
BOOL GetFileInformationByHandle(HANDLE file, ULONG *to);
uint64_t FindFirstFileW(const WCHAR *name, uint8_t *to);
BOOL FindNextFileW(uint64_t handle, uint8_t *to);
BOOL FindClose(uint64_t handle);
int32_t crt__access(const char *name, int32_t mode);
int32_t crt__waccess(const WCHAR *name, int32_t mode);
BOOL RemoveDirectoryA(const char *name);
ULONG GetCurrentDirectoryA(ULONG size, char *buffer);
ULONG GetTickCount(void);
void GetLocalTime(struct system_time *s);
void w32_console_attach(void);

#endif
