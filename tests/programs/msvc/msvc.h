// What a program for the Microsoft ABI needs of headers, written down here: no Windows SDK is used. Each program is linked against the
// import libraries of kernel32, ucrtbase and vcruntime140 alone, and its entry point is `start`, without any static run-time.
#ifndef MSVC_H
#define MSVC_H

extern "C" {
typedef unsigned long DWORD;
typedef unsigned long long size_type;
typedef void *HANDLE;
__declspec(dllimport) HANDLE GetStdHandle(DWORD which);
__declspec(dllimport) int WriteFile(HANDLE file, const void *bytes, DWORD count, DWORD *done, void *overlapped);
__declspec(dllimport) void ExitProcess(unsigned code);
__declspec(dllimport) void RaiseException(DWORD code, DWORD flags, DWORD count, const size_type *arguments);
__declspec(dllimport) int strcmp(const char *a, const char *b);
__declspec(dllimport) void *malloc(size_type bytes);
__declspec(dllimport) void free(void *block);
int _fltused = 1;
}

// The run-time fills `undecorated`. Type descriptors begin with the address of its vftable, which belongs to the static part of the run-time.
class type_info {
public:
    virtual ~type_info();
    const char *raw_name() const { return decorated; }
    void *undecorated;
    char decorated[1];
};
__asm__(".section .rdata,\"dr\"\n.globl \"??_7type_info@@6B@\"\n.p2align 3\n\"??_7type_info@@6B@\":\n.quad 0\n.text\n");
void operator delete(void *p) noexcept { free(p); }
void operator delete(void *p, size_type) noexcept { free(p); }
void *operator new(size_type n) { return malloc(n); }

inline int failures;

inline void say(const char *text)
{
    DWORD n = 0, done;
    while (text[n])
        n++;
    WriteFile(GetStdHandle((DWORD)-11), text, n, &done, nullptr);
}

inline void say_number(long long v)
{
    char text[24], *at = text + 23;
    bool minus = v < 0;
    *at = 0;
    do
        *--at = (char)('0' + (minus ? -(v % 10) : v % 10));
    while (v /= 10);
    if (minus)
        *--at = '-';
    say(at);
}

inline void check_equal(long long is, long long wanted, int line)
{
    if (is == wanted)
        return;
    say("line ");
    say_number(line);
    say(": ");
    say_number(is);
    say(", not ");
    say_number(wanted);
    say("\n");
    failures++;
}
#define CHECK_EQ(a, b) check_equal((long long)(a), (long long)(b), __LINE__)
#define CHECK(x) check_equal(!!(x), 1, __LINE__)

#endif
