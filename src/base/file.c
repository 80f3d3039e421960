#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool base_file_begin(struct base_file *f, const char *path)
{
    struct stat st;
    f->stream = NULL;
    if (strlen(path) >= sizeof f->path) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return false;
    }
    snprintf(f->path, sizeof f->path, "%s", path);
    snprintf(f->beside, sizeof f->beside, "%s.part", path);
    f->stream = fopen(f->beside, "wb");
    return f->stream != NULL;
}

bool base_file_end(struct base_file *f, bool ok)
{
    int why = errno;
    if (ferror(f->stream) && ok) {
        ok = false;
        why = EIO;
    }
    if (fclose(f->stream) != 0 && ok) {
        ok = false;
        why = errno;
    }
    f->stream = NULL;
    if (ok && rename(f->beside, f->path) != 0) {
        ok = false;
        why = errno;
    }
    if (!ok)
        unlink(f->beside);
    errno = why;
    return ok;
}
