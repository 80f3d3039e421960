/* Private to fs: enumeration of an open directory. */
#ifndef IRPLAB_FS_DIRECTORY_H
#define IRPLAB_FS_DIRECTORY_H

#include "fs/fs.h"

/* How far an open directory has been enumerated. */
struct fs_scan {
    bool begun;
    ULONG next;
    USHORT pattern_bytes; /* 0: all */
    WCHAR pattern[256];
};

/* IRP_MN_QUERY_DIRECTORY; the file is a directory of the volume. */
NTSTATUS fs_query_directory(const FILE_OBJECT *file, struct fs_scan *s, const IRP *irp, const IO_STACK_LOCATION *sl, ULONG_PTR *done);

#endif
