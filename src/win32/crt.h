/* Private to the C run-time part of win32 (msvcrt.dll and ucrtbase.dll, which share their functions here). */
#ifndef IRPLAB_WIN32_CRT_H
#define IRPLAB_WIN32_CRT_H

#include "win32/win32.h"

/* errno values of Microsoft's run-time. */
enum { CRT_EPERM = 1, CRT_ENOENT = 2, CRT_EINTR = 4, CRT_EIO = 5, CRT_EBADF = 9, CRT_ENOMEM = 12, CRT_EACCES = 13, CRT_EEXIST = 17, CRT_EINVAL = 22,
       CRT_EMFILE = 24, CRT_ENOSPC = 28, CRT_ESPIPE = 29, CRT_EPIPE = 32, CRT_EDOM = 33, CRT_ERANGE = 34, CRT_EILSEQ = 42, CRT_STRUNCATE = 80 };

/* What a thread of the guest has of the run-time, in its memory. */
struct crt_tm {
    int32_t sec, min, hour, mday, mon, year, wday, yday, isdst;
};
struct crt_thread {
    int32_t error;
    uint32_t dos_error;
    uint32_t random; /* rand's state, 1 at first */
    int32_t fpe_code;
    uint64_t strtok, wcstok;
    struct crt_tm tm;
    /* C++: the record and registers of what the innermost running catch block handles; exceptions on their way to a block */
    uint64_t exception, exception_context;
    int32_t throwing;
    char text[512]; /* strerror, asctime, tmpnam … */
    WCHAR wide_text[256];
};
struct crt_thread *crt_thread(void);
int32_t *crt_errno(void);
/* Sets errno and returns -1. */
int crt_fail(int error);
/* errno and _doserrno from a Win32 error, as _dosmaperr; returns -1. */
int crt_fail_win32(ULONG error);
/* A parameter that the run-time refuses: calls the program's handler if there is one, otherwise sets errno (msvcrt) or ends
 * the program (ucrt). Returns -1. */
int crt_invalid_parameter(int error);

/* A FILE as msvcrt's header declares it, in guest memory. */
struct crt_file {
    uint64_t ptr;
    int32_t cnt;
    int32_t pad;
    uint64_t base;
    int32_t flag;
    int32_t file; /* descriptor */
    int32_t charbuf; /* pushed-back character + 1, 0 = none */
    int32_t bufsiz;
    uint64_t tmpfname;
};
_Static_assert(sizeof(struct crt_file) == 48, "FILE");
enum { CRT_IOREAD = 1, CRT_IOWRT = 2, CRT_IONBF = 4, CRT_IOMYBUF = 8, CRT_IOEOF = 0x10, CRT_IOERR = 0x20, CRT_IOSTRG = 0x40, CRT_IORW = 0x80, CRT_OPEN = 0x10000 };
enum { CRT_IOB_FILES = 20, CRT_EOF = -1 };

struct crt_file *crt_iob(void);
/* Writes bytes to a stream; false on error. */
bool crt_file_put(struct crt_file *f, const char *bytes, size_t n);
int crt_file_get(struct crt_file *f);
int crt_file_unget(struct crt_file *f, int c);
int crt_file_flush(struct crt_file *f);
void crt_files_flush_all(void);

/* Low-level files. */
int crt_fd_write(int fd, const void *bytes, uint32_t n);
int crt_fd_read(int fd, void *bytes, uint32_t n);
int crt_fd_open(HANDLE handle, bool text);
int crt_fd_close(int fd);
struct crt_fd *crt_fd(int fd);

/* ---- printf ---- */

struct crt_out {
    void (*narrow)(struct crt_out *o, const char *s, size_t n);
    void (*wide)(struct crt_out *o, const WCHAR *s, size_t n);
    bool failed;
};
enum {
    FORMAT_WIDE = 1, /* the format is UTF-16 */
    FORMAT_S_AS_FORMAT = 2, /* %s means text of the format's own width (narrow otherwise) */
    FORMAT_MSVCRT = 4, /* exponents of three digits, 1.#INF */
};
/* Number of characters, or -1. args: 8 bytes each. */
int crt_format(struct crt_out *o, const void *format, const uint64_t *args, unsigned flags);

/* ---- scanf ---- */

struct crt_in {
    int (*get)(struct crt_in *in); /* next character or -1 */
    void (*unget)(struct crt_in *in, int c);
};
int crt_scan(struct crt_in *in, const void *format, const uint64_t *args, unsigned flags);

#endif
