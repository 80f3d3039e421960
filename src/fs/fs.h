/* The file system of a run: one volume in memory, \Device\HarddiskVolume1, which programs and drivers know as C:. It begins with the
 * folders that every Windows has and with what lies beside the program (in C:\irplab, the current directory, read when first opened),
 * is written to as on Windows, and is gone with the run. Also \Device\Null. Host paths cannot be reached.
 *
 * Requests come as IRPs, through whatever stands above the volume. */
#ifndef IRPLAB_FS_FS_H
#define IRPLAB_FS_FS_H

#include <stdbool.h>

#include "nt/io.h"

/* After io and pnp: the devices, their links and folders. */
void fs_init(void);

/* The contents of a file beside the program, constant for the life of this process; false: there is none. Set by the session. */
extern bool (*fs_host_file_hook)(const char *name, const uint8_t **bytes, uint64_t *size);

/* What a directory has: "." and ".." (not in the root), then the rest in the order of creation. For FindFirstFile, which has no IRP of its own here. */
struct fs_entry {
    WCHAR name[256];
    uint64_t size, written; /* bytes, 100 ns since 1601 */
    ULONG attributes;
};
/* Entry `index` of an open directory; false: no more, or file is no directory of this volume. */
bool fs_entry(const FILE_OBJECT *file, ULONG index, struct fs_entry *out);

/* The contents of a file of C: by its path without drive ("Windows\\System32\\drivers\\x.sys"), as long as nothing changes it; false: no such file. */
bool fs_contents(const char *path, const uint8_t **bytes, uint64_t *size);

#endif
