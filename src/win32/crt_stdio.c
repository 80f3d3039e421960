/* Streams and low-level files. Streams 0 to 2 are the console and without buffer: what a program has written is there when
 * it crashes. Other files are what CreateFile opens: devices, and files of the volume in memory. */
#include "win32/exports.h"
#include "win32/crt.h"
#include "win32/file.h"

#include <stdio.h>

enum { BUFFER = 4096 };

/* ---- the table of streams ---- */

void crt_data_iob(void *at)
{
    struct crt_file *f = at;
    for (int i = 0; i < 3; i++) {
        f[i].flag = (i == 0 ? CRT_IOREAD : CRT_IOWRT | (i == 2 ? CRT_IONBF : 0)) | CRT_OPEN;
        f[i].file = i;
    }
    for (int i = 3; i < CRT_IOB_FILES; i++)
        f[i].file = -1;
}

struct crt_file *crt_iob(void)
{
    w32_process();
    static const char module[] = "msvcrt.dll";
    uint64_t at = w32_data_export(module, "_iob");
    IR_ASSERT(at);
    return (struct crt_file *)at;
}

struct crt_file *crt___iob_func(void)
{
    return crt_iob();
}

struct crt_file *crt___acrt_iob_func(uint32_t i)
{
    return crt_iob() + i;
}

/* ---- low-level files ---- */

struct crt_fd *crt_fd(int fd)
{
    struct w32_process *p = w32_process();
    return fd >= 0 && fd < CRT_FDS && p->fds[fd].open ? &p->fds[fd] : NULL;
}

int crt_fd_open(HANDLE handle, bool text)
{
    struct w32_process *p = w32_process();
    for (int i = 0; i < CRT_FDS; i++)
        if (!p->fds[i].open) {
            p->fds[i] = (struct crt_fd) { .handle = handle, .open = true, .console = w32_console_of(handle) != 0, .text = text, .pushed_back = -1 };
            return i;
        }
    return crt_fail(CRT_EMFILE);
}

int crt_fd_close(int fd)
{
    struct crt_fd *f = crt_fd(fd);
    if (!f)
        return crt_fail(CRT_EBADF);
    HANDLE h = f->handle;
    *f = (struct crt_fd) { .pushed_back = -1 };
    return CloseHandle(h) ? 0 : crt_fail_win32(GetLastError());
}

static int write_handle(HANDLE handle, const void *bytes, uint32_t n)
{
    ULONG written;
    return w32_file_write(handle, bytes, n, &written) ? (int)written : crt_fail_win32(GetLastError());
}

/* Text files get a carriage return before each line feed. */
static int write_text(HANDLE handle, const char *s, uint32_t n)
{
    char *block = (char *)w32_alloc(BUFFER);
    uint32_t done = 0;
    while (done < n) {
        uint32_t k = 0;
        for (; done < n && k < BUFFER - 1; done++) {
            if (s[done] == '\n')
                block[k++] = '\r';
            block[k++] = s[done];
        }
        if (write_handle(handle, block, k) < 0) {
            w32_free((uint64_t)block);
            return -1;
        }
    }
    w32_free((uint64_t)block);
    return (int)n;
}

int crt_fd_write(int fd, const void *bytes, uint32_t n)
{
    struct crt_fd *f = crt_fd(fd);
    if (!f)
        return crt_fail(CRT_EBADF);
    if (f->console) {
        int c = w32_console_of(f->handle);
        if (c < 2)
            return crt_fail(CRT_EBADF);
        w32_console_write(c - 1, bytes, n);
        return (int)n;
    }
    if (f->append)
        SetFilePointerEx(f->handle, 0, NULL, 2);
    return f->text ? write_text(f->handle, bytes, n) : write_handle(f->handle, bytes, n);
}

int crt_fd_read(int fd, void *bytes, uint32_t n)
{
    struct crt_fd *f = crt_fd(fd);
    if (!f)
        return crt_fail(CRT_EBADF);
    if (n == 0)
        return 0;
    ULONG got = 0;
    if (f->console) {
        got = w32_console_of(f->handle) == 1 ? (ULONG)w32_console_read(bytes, n) : 0;
    } else if (!w32_file_read(f->handle, bytes, n, &got)) {
        ULONG e = GetLastError();
        return e == ERROR_HANDLE_EOF || e == ERROR_BROKEN_PIPE ? 0 : crt_fail_win32(e);
    }
    if (!f->text)
        return (int)got;
    char *s = bytes;
    uint32_t k = 0;
    for (uint32_t i = 0; i < got; i++)
        if (s[i] != '\r' || i + 1 == got || s[i + 1] != '\n')
            s[k++] = s[i];
    return (int)k;
}

/* ---- opening ---- */

enum { O_RDONLY_ = 0, O_WRONLY_ = 1, O_RDWR_ = 2, O_APPEND_ = 8, O_CREAT_ = 0x100, O_TRUNC_ = 0x200, O_EXCL_ = 0x400, O_TEXT_ = 0x4000, O_BINARY_ = 0x8000 };

static int open_wide(const WCHAR *name, int32_t flags)
{
    ULONG access = (flags & 3) == O_RDONLY_ ? GENERIC_READ : (flags & 3) == O_WRONLY_ ? GENERIC_WRITE : GENERIC_READ | GENERIC_WRITE;
    ULONG disposition = OPEN_EXISTING;
    if (flags & O_CREAT_)
        disposition = flags & O_EXCL_ ? CREATE_NEW : flags & O_TRUNC_ ? CREATE_ALWAYS : OPEN_ALWAYS;
    else if (flags & O_TRUNC_)
        disposition = TRUNCATE_EXISTING;
    HANDLE h = CreateFileW(name, access, 3, NULL, disposition, 0x80, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return crt_fail_win32(GetLastError());
    int fd = crt_fd_open(h, !(flags & O_BINARY_));
    if (fd >= 0)
        crt_fd(fd)->append = (flags & O_APPEND_) != 0;
    return fd;
}

static int open_narrow(const char *name, int32_t flags)
{
    uint64_t wide = w32_widen(name);
    int fd = open_wide((const WCHAR *)wide, flags);
    w32_free(wide);
    return fd;
}

int32_t crt__open(const uint64_t *a)
{
    return open_narrow((const char *)a[0], (int32_t)a[1]);
}

int32_t crt__wopen(const uint64_t *a)
{
    return open_wide((const WCHAR *)a[0], (int32_t)a[1]);
}

int32_t crt__sopen(const uint64_t *a)
{
    return open_narrow((const char *)a[0], (int32_t)a[1]);
}

int32_t crt__sopen_s(int32_t *fd, const char *name, int32_t flags, int32_t share, int32_t mode)
{
    *fd = open_narrow(name, flags);
    return *fd < 0 ? *crt_errno() : 0;
}

static bool parse_mode(const WCHAR *mode, int32_t *flags, int32_t *stream)
{
    bool plus = false;
    *flags = 0;
    for (const WCHAR *m = mode + 1; *m && *m != ','; m++) {
        plus |= *m == '+';
        if (*m == 'b')
            *flags |= O_BINARY_;
        if (*m == 'x')
            *flags |= O_EXCL_;
    }
    switch (*mode) {
    case 'r':
        *flags |= plus ? O_RDWR_ : O_RDONLY_;
        break;
    case 'w':
        *flags |= O_CREAT_ | O_TRUNC_ | (plus ? O_RDWR_ : O_WRONLY_);
        break;
    case 'a':
        *flags |= O_CREAT_ | O_APPEND_ | (plus ? O_RDWR_ : O_WRONLY_);
        break;
    default:
        return false;
    }
    *stream = plus ? CRT_IORW : (*flags & 3) == O_RDONLY_ ? CRT_IOREAD : CRT_IOWRT;
    return true;
}

static struct crt_file *stream_take(int fd, int32_t flag)
{
    struct crt_file *iob = crt_iob();
    for (int i = 3; i < CRT_IOB_FILES; i++)
        if (!(iob[i].flag & CRT_OPEN)) {
            iob[i] = (struct crt_file) { .flag = flag | CRT_OPEN, .file = fd };
            return &iob[i];
        }
    crt_fail(CRT_EMFILE);
    return NULL;
}

struct crt_file *crt__wfopen(const WCHAR *name, const WCHAR *mode)
{
    int32_t flags, stream;
    if (!name || !mode || !parse_mode(mode, &flags, &stream)) {
        crt_invalid_parameter(CRT_EINVAL);
        return NULL;
    }
    int fd = open_wide(name, flags);
    return fd < 0 ? NULL : stream_take(fd, stream);
}

struct crt_file *crt_fopen(const char *name, const char *mode)
{
    if (!name || !mode) {
        crt_invalid_parameter(CRT_EINVAL);
        return NULL;
    }
    uint64_t n = w32_widen(name), m = w32_widen(mode);
    struct crt_file *f = crt__wfopen((const WCHAR *)n, (const WCHAR *)m);
    w32_free(n);
    w32_free(m);
    return f;
}

int32_t crt_fopen_s(uint64_t *file, const char *name, const char *mode)
{
    *file = (uint64_t)crt_fopen(name, mode);
    return *file ? 0 : *crt_errno();
}

int32_t crt__wfopen_s(uint64_t *file, const WCHAR *name, const WCHAR *mode)
{
    *file = (uint64_t)crt__wfopen(name, mode);
    return *file ? 0 : *crt_errno();
}

struct crt_file *crt__fsopen(const char *name, const char *mode, int32_t share)
{
    return crt_fopen(name, mode);
}

struct crt_file *crt__fdopen(int32_t fd, const char *mode)
{
    int32_t flags, stream;
    WCHAR wide[16];
    unsigned i = 0;
    for (; mode[i] && i < 15; i++)
        wide[i] = (uint8_t)mode[i];
    wide[i] = 0;
    if (!crt_fd(fd) || !parse_mode(wide, &flags, &stream)) {
        crt_fail(crt_fd(fd) ? CRT_EINVAL : CRT_EBADF);
        return NULL;
    }
    return stream_take(fd, stream);
}

/* Only so that a program that gives its streams another name goes on: the stream stays what it is. */
struct crt_file *crt_freopen(const char *name, const char *mode, struct crt_file *f)
{
    if (name && lstrcmpiA(name, "CONOUT$") != 0 && lstrcmpiA(name, "CON") != 0 && lstrcmpiA(name, "CONIN$") != 0) {
        crt_fail(CRT_ENOENT);
        return NULL;
    }
    return f;
}

/* ---- writing ---- */

static bool is_console(const struct crt_file *f)
{
    struct crt_fd *d = crt_fd(f->file);
    return d && d->console;
}

int crt_file_flush(struct crt_file *f)
{
    if (!f->base || !(f->flag & CRT_IOWRT))
        return 0;
    uint32_t n = (uint32_t)(f->ptr - f->base);
    f->ptr = f->base;
    f->cnt = 0;
    if (n == 0 || crt_fd_write(f->file, (void *)f->base, n) == (int)n)
        return 0;
    f->flag |= CRT_IOERR;
    return CRT_EOF;
}

static bool for_writing(struct crt_file *f)
{
    if (!(f->flag & (CRT_IOWRT | CRT_IORW))) {
        f->flag |= CRT_IOERR;
        crt_fail(CRT_EBADF);
        return false;
    }
    if ((f->flag & CRT_IORW) && (f->flag & CRT_IOREAD)) {
        f->flag &= ~CRT_IOREAD;
        f->ptr = f->base;
        f->cnt = 0;
    }
    f->flag |= CRT_IOWRT;
    return true;
}

bool crt_file_put(struct crt_file *f, const char *bytes, size_t n)
{
    if (!for_writing(f))
        return false;
    if (is_console(f) || (f->flag & CRT_IONBF)) {
        f->cnt = 0;
        if (crt_fd_write(f->file, bytes, (uint32_t)n) == (int)n)
            return true;
        f->flag |= CRT_IOERR;
        return false;
    }
    if (!f->base) {
        f->base = f->ptr = w32_alloc(BUFFER);
        f->bufsiz = BUFFER;
        f->flag |= CRT_IOMYBUF;
    }
    for (size_t i = 0; i < n; i++) {
        if (f->ptr == f->base + (uint64_t)f->bufsiz && crt_file_flush(f) != 0)
            return false;
        *(char *)f->ptr++ = bytes[i];
    }
    return true;
}

void crt_files_flush_all(void)
{
    struct crt_file *iob = crt_iob();
    for (int i = 0; i < CRT_IOB_FILES; i++)
        if (iob[i].flag & CRT_OPEN)
            crt_file_flush(&iob[i]);
}

int32_t crt_fflush(struct crt_file *f)
{
    if (!f) {
        crt_files_flush_all();
        return 0;
    }
    return crt_file_flush(f);
}

int32_t crt__flushall(void)
{
    crt_files_flush_all();
    return 3;
}

int32_t crt_fclose(struct crt_file *f)
{
    if (!f)
        return crt_invalid_parameter(CRT_EINVAL);
    if (!(f->flag & CRT_OPEN))
        return crt_fail(CRT_EINVAL);
    int r = crt_file_flush(f);
    if (f->flag & CRT_IOMYBUF)
        w32_free(f->base);
    int fd = f->file;
    *f = (struct crt_file) { .file = -1 };
    return crt_fd_close(fd) == 0 ? r : CRT_EOF;
}

int32_t crt_fputc(int32_t c, struct crt_file *f)
{
    char byte = (char)c;
    return crt_file_put(f, &byte, 1) ? (uint8_t)c : CRT_EOF;
}

int32_t crt_putchar(int32_t c)
{
    return crt_fputc(c, crt_iob() + 1);
}

/* putc as a macro counts down first and calls this when the buffer is full: streams here never have room for it. */
int32_t crt__flsbuf(int32_t c, struct crt_file *f)
{
    f->cnt = 0;
    return crt_fputc(c, f);
}

int32_t crt_fputs(const char *s, struct crt_file *f)
{
    return crt_file_put(f, s, strlen(s)) ? 0 : CRT_EOF;
}

int32_t crt_puts(const char *s)
{
    struct crt_file *out = crt_iob() + 1;
    return crt_file_put(out, s, strlen(s)) && crt_file_put(out, "\n", 1) ? 0 : CRT_EOF;
}

uint64_t crt_fwrite(const char *from, uint64_t size, uint64_t count, struct crt_file *f)
{
    if (!size || !count)
        return 0;
    return crt_file_put(f, from, size * count) ? count : 0;
}

/* ---- reading ---- */

static int fill(struct crt_file *f)
{
    if (!(f->flag & (CRT_IOREAD | CRT_IORW)) || ((f->flag & CRT_IORW) && (f->flag & CRT_IOWRT) && crt_file_flush(f) != 0)) {
        f->flag |= CRT_IOERR;
        return CRT_EOF;
    }
    if (f->flag & CRT_IORW)
        f->flag = (f->flag & ~CRT_IOWRT) | CRT_IOREAD;
    if (!f->base) {
        f->base = w32_alloc(BUFFER);
        f->bufsiz = BUFFER;
        f->flag |= CRT_IOMYBUF;
    }
    f->ptr = f->base;
    int n = crt_fd_read(f->file, (void *)f->base, (uint32_t)f->bufsiz);
    f->cnt = n > 0 ? n : 0;
    if (n <= 0)
        f->flag |= n < 0 ? CRT_IOERR : CRT_IOEOF;
    return n > 0 ? 0 : CRT_EOF;
}

int crt_file_get(struct crt_file *f)
{
    if (f->charbuf) {
        int c = f->charbuf - 1;
        f->charbuf = 0;
        return c;
    }
    if (f->cnt <= 0 && fill(f) != 0)
        return CRT_EOF;
    f->cnt--;
    return *(uint8_t *)f->ptr++;
}

int crt_file_unget(struct crt_file *f, int c)
{
    if (c == CRT_EOF || f->charbuf)
        return CRT_EOF;
    f->charbuf = (uint8_t)c + 1;
    f->flag &= ~CRT_IOEOF;
    return (uint8_t)c;
}

int32_t crt_fgetc(struct crt_file *f)
{
    return crt_file_get(f);
}

int32_t crt__filbuf(struct crt_file *f)
{
    f->cnt = 0;
    return crt_file_get(f);
}

int32_t crt_getchar(void)
{
    return crt_file_get(crt_iob());
}

int32_t crt_ungetc(int32_t c, struct crt_file *f)
{
    return crt_file_unget(f, c);
}

char *crt_fgets(char *to, int32_t size, struct crt_file *f)
{
    int32_t n = 0;
    while (n < size - 1) {
        int c = crt_file_get(f);
        if (c == CRT_EOF)
            break;
        to[n++] = (char)c;
        if (c == '\n')
            break;
    }
    if (n == 0)
        return NULL;
    to[n] = 0;
    return to;
}

char *crt_gets(char *to)
{
    int32_t n = 0;
    int c;
    while ((c = crt_file_get(crt_iob())) != CRT_EOF && c != '\n')
        to[n++] = (char)c;
    if (n == 0 && c == CRT_EOF)
        return NULL;
    to[n] = 0;
    return to;
}

char *crt_gets_s(char *to, uint64_t size)
{
    return crt_fgets(to, (int32_t)size, crt_iob());
}

uint64_t crt_fread(char *to, uint64_t size, uint64_t count, struct crt_file *f)
{
    uint64_t n = 0;
    for (; n < size * count; n++) {
        int c = crt_file_get(f);
        if (c == CRT_EOF)
            break;
        to[n] = (char)c;
    }
    return size ? n / size : 0;
}

/* ---- state of a stream ---- */

int32_t crt_feof(const struct crt_file *f)
{
    return f->flag & CRT_IOEOF;
}

int32_t crt_ferror(const struct crt_file *f)
{
    return f->flag & CRT_IOERR;
}

void crt_clearerr(struct crt_file *f)
{
    f->flag &= ~(CRT_IOEOF | CRT_IOERR);
}

int32_t crt__fileno(const struct crt_file *f)
{
    return f ? f->file : crt_invalid_parameter(CRT_EINVAL);
}

int32_t crt_setvbuf(struct crt_file *f, char *buffer, int32_t mode, uint64_t size)
{
    if (mode == 4) /* _IONBF */
        f->flag |= CRT_IONBF;
    return 0;
}

void crt_setbuf(struct crt_file *f, char *buffer)
{
    if (!buffer)
        f->flag |= CRT_IONBF;
}

/* ---- positions ---- */

static int64_t fd_seek(int32_t fd, int64_t offset, int32_t origin)
{
    struct crt_fd *f = crt_fd(fd);
    int64_t at;
    if (!f)
        return crt_fail(CRT_EBADF);
    if (f->console)
        return crt_fail(CRT_ESPIPE);
    if (origin < 0 || origin > 2)
        return crt_invalid_parameter(CRT_EINVAL);
    return SetFilePointerEx(f->handle, offset, &at, (ULONG)origin) ? at : crt_fail_win32(GetLastError());
}

/* Where the program is in the file: what was read ahead has not been read yet, a line feed in it stands for two characters. */
int64_t crt__ftelli64(struct crt_file *f)
{
    int64_t at = fd_seek(f->file, 0, 1);
    if (at < 0)
        return -1;
    if (f->base && f->flag & CRT_IOWRT) {
        at += (int64_t)(f->ptr - f->base);
        for (const char *c = (const char *)f->base; crt_fd(f->file)->text && c < (const char *)f->ptr; c++)
            at += *c == '\n';
    } else if (f->base && f->cnt > 0) {
        at -= f->cnt;
        for (int32_t i = 0; crt_fd(f->file)->text && i < f->cnt; i++)
            at -= ((const char *)f->ptr)[i] == '\n';
    }
    return at - (f->charbuf != 0);
}

int32_t crt_ftell(struct crt_file *f)
{
    return (int32_t)crt__ftelli64(f);
}

int32_t crt__fseeki64(struct crt_file *f, int64_t offset, int32_t origin)
{
    if (origin == 1) {
        int64_t at = crt__ftelli64(f);
        if (at < 0)
            return -1;
        offset += at;
        origin = 0;
    }
    crt_file_flush(f);
    f->cnt = 0;
    f->ptr = f->base;
    f->charbuf = 0;
    f->flag &= ~CRT_IOEOF;
    if (f->flag & CRT_IORW)
        f->flag &= ~(CRT_IOREAD | CRT_IOWRT);
    return fd_seek(f->file, offset, origin) < 0 ? -1 : 0;
}

int32_t crt_fseek(struct crt_file *f, int32_t offset, int32_t origin)
{
    return crt__fseeki64(f, offset, origin);
}

void crt_rewind(struct crt_file *f)
{
    crt_fseek(f, 0, 0);
    crt_clearerr(f);
}

int32_t crt_fgetpos(struct crt_file *f, int64_t *at)
{
    int64_t now = crt__ftelli64(f);
    if (now < 0)
        return -1;
    memcpy(at, &now, 8);
    return 0;
}

int32_t crt_fsetpos(struct crt_file *f, const int64_t *at)
{
    int64_t to;
    memcpy(&to, at, 8);
    return crt__fseeki64(f, to, 0);
}

void crt__lock_file(struct crt_file *f)
{
    /* A function on a stream runs to its end before another thread goes on. */
}

struct crt_file *crt_tmpfile(void)
{
    static const WCHAR folder[] = { 'C', ':', '\\', 'W', 'i', 'n', 'd', 'o', 'w', 's', '\\', 'T', 'e', 'm', 'p', 0 };
    WCHAR *name = (WCHAR *)w32_alloc(600);
    struct crt_file *f = NULL;
    if (GetTempFileNameW(folder, NULL, 0, name)) {
        HANDLE h = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0x04000080, NULL); /* deleted when closed */
        int fd = h == INVALID_HANDLE_VALUE ? crt_fail_win32(GetLastError()) : crt_fd_open(h, false);
        f = fd < 0 ? NULL : stream_take(fd, CRT_IORW);
    }
    w32_free((uint64_t)name);
    return f;
}

int32_t crt__wremove(const WCHAR *name)
{
    return DeleteFileW(name) ? 0 : crt_fail_win32(GetLastError());
}

int32_t crt_remove(const char *name)
{
    uint64_t w = w32_widen(name);
    int32_t r = crt__wremove((const WCHAR *)w);
    w32_free(w);
    return r;
}

int32_t crt_rename(const char *from, const char *to)
{
    uint64_t a = w32_widen(from), b = w32_widen(to);
    int32_t r = MoveFileExW((const WCHAR *)a, (const WCHAR *)b, 2) ? 0 : crt_fail_win32(GetLastError());
    w32_free(b);
    w32_free(a);
    return r;
}

/* ---- low-level exports ---- */

int32_t crt__write(int32_t fd, const void *bytes, uint32_t n)
{
    return crt_fd_write(fd, bytes, n);
}

int32_t crt__read(int32_t fd, void *bytes, uint32_t n)
{
    return crt_fd_read(fd, bytes, n);
}

int32_t crt__close(int32_t fd)
{
    return crt_fd_close(fd);
}

int32_t crt__isatty(int32_t fd)
{
    struct crt_fd *f = crt_fd(fd);
    return f && f->console ? 0x40 : 0;
}

int32_t crt__setmode(int32_t fd, int32_t mode)
{
    struct crt_fd *f = crt_fd(fd);
    if (!f)
        return crt_fail(CRT_EBADF);
    int32_t old = f->text ? O_TEXT_ : O_BINARY_;
    f->text = mode != O_BINARY_;
    return old;
}

uint64_t crt__get_osfhandle(int32_t fd)
{
    struct crt_fd *f = crt_fd(fd);
    if (!f) {
        crt_fail(CRT_EBADF);
        return (uint64_t)-1;
    }
    return (uint64_t)f->handle;
}

int32_t crt__open_osfhandle(HANDLE handle, int32_t flags)
{
    return crt_fd_open(handle, (flags & O_TEXT_) != 0);
}

int32_t crt__lseek(int32_t fd, int32_t offset, int32_t origin)
{
    return (int32_t)fd_seek(fd, offset, origin);
}

int64_t crt__lseeki64(int32_t fd, int64_t offset, int32_t origin)
{
    return fd_seek(fd, offset, origin);
}

int64_t crt__filelengthi64(int32_t fd)
{
    int64_t at = fd_seek(fd, 0, 1), end = at < 0 ? -1 : fd_seek(fd, 0, 2);
    if (end >= 0)
        fd_seek(fd, at, 0);
    return end;
}

int32_t crt__filelength(int32_t fd)
{
    return (int32_t)crt__filelengthi64(fd);
}

int32_t crt__commit(int32_t fd)
{
    return crt_fd(fd) ? 0 : crt_fail(CRT_EBADF);
}

int32_t crt__waccess(const WCHAR *name, int32_t mode)
{
    ULONG a = GetFileAttributesW(name);
    if (a == 0xFFFFFFFF)
        return crt_fail_win32(GetLastError());
    return mode & 2 && a & 1 && !(a & 0x10) ? crt_fail(CRT_EACCES) : 0;
}

int32_t crt__access(const char *name, int32_t mode)
{
    uint64_t w = w32_widen(name);
    int32_t r = crt__waccess((const WCHAR *)w, mode);
    w32_free(w);
    return r;
}

int32_t crt__unlink(const char *name)
{
    return crt_remove(name);
}

/* ---- folders ---- */

int32_t crt__mkdir(const char *name)
{
    return CreateDirectoryA(name, NULL) ? 0 : crt_fail_win32(GetLastError());
}

int32_t crt__rmdir(const char *name)
{
    return RemoveDirectoryA(name) ? 0 : crt_fail_win32(GetLastError());
}

char *crt__getcwd(char *to, int32_t size)
{
    if (!to) {
        size = size < 260 ? 260 : size;
        to = (char *)w32_alloc((size_t)size);
    }
    ULONG n = GetCurrentDirectoryA((ULONG)size, to);
    return n && n < (ULONG)size ? to : (crt_fail(34), NULL);
}

int32_t crt__dup(int32_t fd)
{
    struct crt_fd *f = crt_fd(fd);
    return f ? crt_fd_open(f->handle, f->text) : crt_fail(CRT_EBADF);
}

int32_t crt__dup2(int32_t from, int32_t to)
{
    struct crt_fd *f = crt_fd(from);
    if (!f || to < 0 || to >= CRT_FDS)
        return crt_fail(CRT_EBADF);
    w32_process()->fds[to] = *f;
    return 0;
}

/* ---- wide streams: text leaves as UTF-8 ---- */

static bool put_wide(struct crt_file *f, const WCHAR *s, size_t n)
{
    char c[4];
    for (size_t i = 0, used; i < n; i += used)
        if (!crt_file_put(f, c, base_utf8_put(w32_from_utf16(s + i, n - i, &used), c)))
            return false;
    return true;
}

uint32_t crt_fputwc(uint32_t c, struct crt_file *f)
{
    WCHAR w = (WCHAR)c;
    return put_wide(f, &w, 1) ? w : 0xFFFF;
}

uint32_t crt_putwchar(uint32_t c)
{
    return crt_fputwc(c, crt_iob() + 1);
}

int32_t crt_fputws(const WCHAR *s, struct crt_file *f)
{
    return put_wide(f, s, w32_wcslen(s)) ? 0 : CRT_EOF;
}

int32_t crt__putws(const WCHAR *s)
{
    struct crt_file *out = crt_iob() + 1;
    return put_wide(out, s, w32_wcslen(s)) && crt_file_put(out, "\n", 1) ? 0 : CRT_EOF;
}

uint32_t crt_fgetwc(struct crt_file *f)
{
    int c = crt_file_get(f);
    return c == CRT_EOF ? 0xFFFF : w32_ansi_to_wide((uint8_t)c);
}

uint32_t crt_getwchar(void)
{
    return crt_fgetwc(crt_iob());
}

uint32_t crt_ungetwc(uint32_t c, struct crt_file *f)
{
    int n = w32_wide_to_ansi((WCHAR)c);
    return n >= 0 && crt_file_unget(f, n) != CRT_EOF ? (WCHAR)c : 0xFFFF;
}

WCHAR *crt_fgetws(WCHAR *to, int32_t size, struct crt_file *f)
{
    int32_t n = 0;
    while (n < size - 1) {
        uint32_t c = crt_fgetwc(f);
        if (c == 0xFFFF)
            break;
        to[n++] = (WCHAR)c;
        if (c == '\n')
            break;
    }
    if (n == 0)
        return NULL;
    to[n] = 0;
    return to;
}
