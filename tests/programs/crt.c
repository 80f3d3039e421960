/* The C run-time: formatting, scanning, strings, conversions, sorting, time, environment, errors. __USE_MINGW_ANSI_STDIO 0 makes mingw
 * call the run-time's own printf. */
#define __USE_MINGW_ANSI_STDIO 0
#include "check.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

static char b[600];
static wchar_t w[200];

static const char *f(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    _vsnprintf(b, sizeof b, format, ap);
    va_end(ap);
    return b;
}

static void test_printf(void)
{
    CHECK_STR(f("%d %5d|%-5d|%05d|%+d|% d", 1, 42, 42, 42, 42, 42), "1    42|42   |00042|+42| 42");
    CHECK_STR(f("%i %u %x %X %o %#x %#o", -1, 3000000000u, 0xabcu, 0xabcu, 8, 255, 8), "-1 3000000000 abc ABC 10 0xff 010");
    CHECK_STR(f("%.3d|%8.3d|%-8.3d|%.0d", 7, 7, 7, 0), "007|     007|007     |");
    CHECK_STR(f("%I64d %I64x %I32u %lld", -5000000000ll, 0x123456789abcull, 7u, 1ll << 40), "-5000000000 123456789abc 7 1099511627776");
    CHECK_STR(f("%hd %hu", 70000, 70000), "4464 4464");
    CHECK_STR(f("%c|%5c|%-3c|", 'a', 'b', 'c'), "a|    b|c  |");
    CHECK_STR(f("%s|%10s|%-10s|%.2s|%10.2s|", "text", "text", "text", "text", "text"), "text|      text|text      |te|        te|");
    CHECK_STR(f("%s", (char *)NULL), "(null)");
    CHECK_STR(f("%S|%ls|%ws|%hs", L"wide", L"wide", L"wide", "narrow"), "wide|wide|wide|narrow");
    CHECK_STR(f("%p", (void *)0x1234abcd), "000000001234ABCD");
    CHECK_STR(f("%%|%5%|"), f("%%|%%|"));
    CHECK_STR(f("%*d|%-*d|%.*f", 6, 1, 6, 2, 2, 3.14159), "     1|2     |3.14");
    CHECK_STR(f("%f %.0f %.1f %10.3f|%-10.3f|%+.2f", 1.5, 3.5, 0.05, 3.14159, 3.14159, 2.0), "1.500000 4 0.1      3.142|3.142     |+2.00");
#ifdef _UCRT
    CHECK_STR(f("%.0f %.0f %.0f %.1f %.2f %.1f", 0.5, 1.5, 9.5, 0.25, 0.125, 99.95), "0 2 10 0.2 0.12 100.0"); /* since 10.0.19041 */
    CHECK_STR(f("%e %.2E %g", 12345.678, 0.00012, 1e20), "1.234568e+04 1.20E-04 1e+20");
    CHECK_STR(f("%f %e", INFINITY, -INFINITY), "inf -inf");
#else
    CHECK_STR(f("%.0f %.0f %.0f %.1f %.2f %.1f", 0.5, 1.5, 9.5, 0.25, 0.125, 99.95), "1 2 10 0.3 0.13 100.0");
    CHECK_STR(f("%e %.2E %g", 12345.678, 0.00012, 1e20), "1.234568e+004 1.20E-004 1e+020");
    CHECK_STR(f("%f %e", INFINITY, -INFINITY), "1.#INF00 -1.#INF00e+000");
#endif
    CHECK_STR(f("%g %g %g %g", 0.0001, 100000.0, 1234567.0, 0.5), f("%g %g %g %g", 0.0001, 100000.0, 1234567.0, 0.5));
    CHECK_STR(f("%08.2f|%8s|%-8d|", -3.14159, "x", 5), "-0003.14|       x|5       |");
    CHECK_STR(f("%.15g %.17g", 0.1, 0.1), "0.1 0.10000000000000001");
    CHECK_EQ(_snprintf(b, 3, "abcdef"), -1);
    CHECK_EQ(memcmp(b, "abc", 3), 0);
    b[3] = 'x';
    CHECK_EQ(_snprintf(b, 3, "abc"), 3);
    CHECK_EQ(b[3], 'x');
    CHECK_EQ(sprintf(b, "%s", "1234"), 4);
    CHECK_EQ(_scprintf("%d", 12345), 5);
    CHECK_EQ(_snwprintf(w, 50, L"%s %d %S", L"wide", 3, "narrow"), 13);
    CHECK(wcscmp(w, L"wide 3 narrow") == 0);
}

static void test_scanf(void)
{
    int a = 0, c = 0, n = 0;
    unsigned x = 0;
    long long q = 0;
    char s[20], t[20], ch = 0;
    double d = 0;
    float g = 0;
    CHECK_EQ(sscanf("12 -7 ff", "%d %d %x", &a, &c, &x), 3);
    CHECK(a == 12 && c == -7 && x == 255);
    CHECK_EQ(sscanf("hello world", "%s %5s", s, t), 2);
    CHECK_STR(t, "world");
    CHECK_EQ(sscanf("abc123", "%[a-z]%d%n", s, &a, &n), 2);
    CHECK_STR(s, "abc");
    CHECK(a == 123 && n == 6);
    CHECK_EQ(sscanf("3.5e2 -1.25", "%lf %f", &d, &g), 2);
    CHECK(d == 350.0 && g == -1.25f);
    CHECK_EQ(sscanf("0x10 010 9", "%i %i %i", &a, &c, &n), 3);
    CHECK(a == 16 && c == 8 && n == 9);
    CHECK_EQ(sscanf("123456789012", "%I64d", &q), 1);
    CHECK_EQ(q, 123456789012ll);
    CHECK_EQ(sscanf("k=v", "%[^=]=%c", s, &ch), 2);
    CHECK_EQ(ch, 'v');
    CHECK_EQ(sscanf("", "%d", &a), EOF);
    CHECK_EQ(sscanf("x", "%d", &a), 0);
    CHECK_EQ(sscanf("1,2", "%d,%*d", &a), 1);
    CHECK_EQ(sscanf("12345", "%2d%3d", &a, &c), 2);
    CHECK(a == 12 && c == 345);
    CHECK_EQ(swscanf(L"5 six", L"%d %s", &a, w), 2);
    CHECK(wcscmp(w, L"six") == 0);
}

static int by_value(const void *a, const void *c)
{
    return *(const int *)a - *(const int *)c;
}

static void test_strings(void)
{
    char s[64], *save = NULL;
    CHECK_EQ(strcmp("a", "b"), -1);
    CHECK_EQ(strcmp("b", "a"), 1);
    CHECK_EQ(_stricmp("HeLLo", "hEllO"), 0);
    CHECK_EQ(_strnicmp("abcX", "ABCy", 3), 0);
    strcpy(s, "one,two;;three");
    CHECK_STR(strtok(s, ",;"), "one");
    CHECK_STR(strtok(NULL, ",;"), "two");
    CHECK_STR(strtok(NULL, ",;"), "three");
    CHECK(strtok(NULL, ",;") == NULL);
    strcpy(s, "a b");
    CHECK_STR(strtok_s(s, " ", &save), "a");
    CHECK_STR(strtok_s(NULL, " ", &save), "b");
    CHECK_STR(strstr("haystack", "sta"), "stack");
    CHECK(strstr("x", "yy") == NULL);
    CHECK_EQ(strspn("aab", "a"), 2);
    CHECK_EQ(strcspn("aab", "b"), 2);
    CHECK_STR(strrchr("a/b/c", '/'), "/c");
    char *copy = _strdup("dup");
    CHECK_STR(_strupr(copy), "DUP");
    CHECK_STR(_strrev(copy), "PUD");
    free(copy);
    CHECK_EQ(strcpy_s(s, 4, "abc"), 0);
    CHECK_EQ(strncpy_s(s, 4, "abcdef", _TRUNCATE), STRUNCATE);
    CHECK_STR(s, "abc");
    CHECK_EQ(wcslen(L"four"), 4);
    CHECK(wcscmp(wcschr(L"abc", L'b'), L"bc") == 0);
    CHECK_EQ(_wcsicmp(L"ABC", L"abc"), 0);
    CHECK(isalpha('a') && !isalpha('1') && isdigit('5') && isspace('\t') && isxdigit('f') && ispunct('!') && isupper('A') && iscntrl(7));
    CHECK_EQ(toupper('q'), 'Q');
    CHECK_EQ(tolower('Q'), 'q');
    CHECK_EQ(memcmp("\xff", "\x01", 1), 1);
    CHECK_EQ(memcmp("a", "b", 1), -1);
}

static void test_numbers(void)
{
    char *end;
    int v[] = { 5, 3, 9, 1, 7, 2, 8, 0, 6, 4, 19, 15, 11, 18, 17, 13, 12, 16, 10, 14 }, key = 7;
    CHECK_EQ(strtol("  -42abc", &end, 10), -42);
    CHECK_STR(end, "abc");
    CHECK_EQ(strtol("0x1F", NULL, 0), 31);
    CHECK_EQ(strtol("zz", &end, 36), 35 * 36 + 35);
    errno = 0;
    CHECK_EQ(strtol("99999999999", NULL, 10), LONG_MAX);
    CHECK_EQ(errno, ERANGE);
    CHECK_EQ(strtoul("4294967295", NULL, 10), ULONG_MAX);
    CHECK_EQ(_strtoi64("-9000000000", NULL, 10), -9000000000ll);
    CHECK_EQ(atoi("123x"), 123);
    CHECK(atof("2.5") == 2.5);
    CHECK(strtod("1e3z", &end) == 1000.0);
    CHECK_STR(end, "z");
    CHECK_STR(_itoa(-255, b, 10), "-255");
    CHECK_STR(_itoa(-1, b, 16), "ffffffff");
    CHECK_STR(_i64toa(1ll << 40, b, 10), "1099511627776");
    CHECK_STR(_ultoa(10, b, 2), "1010");
    qsort(v, 20, sizeof *v, by_value);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(v[i], i);
    int *hit = bsearch(&key, v, 20, sizeof *v, by_value);
    CHECK(hit && *hit == 7);
    srand(1);
    CHECK_EQ(rand(), 41);
    CHECK_EQ(rand(), 18467);
    CHECK_EQ(rand(), 6334);
    div_t d = div(17, 5);
    CHECK(d.quot == 3 && d.rem == 2);
    CHECK_EQ(abs(-5), 5);
    CHECK(sqrt(2.25) == 1.5 && pow(2, 10) == 1024 && floor(-1.5) == -2 && ceil(1.2) == 2 && fabs(-2.0) == 2 && fmod(7, 4) == 3);
    CHECK(fabs(sin(1.0) - 0.8414709848078965) < 1e-15);
    int e;
    CHECK(frexp(8.0, &e) == 0.5 && e == 4);
    CHECK(ldexp(0.5, 4) == 8.0);
    double whole;
    CHECK(modf(3.25, &whole) == 0.25 && whole == 3.0);
    CHECK(_isnan(NAN) && !_finite(INFINITY));
}

static void test_heap(void)
{
    char *p = malloc(10);
    CHECK(p != NULL && ((ULONG_PTR)p & 15) == 0);
    CHECK_EQ(_msize(p), 10);
    strcpy(p, "realloc");
    p = realloc(p, 100000);
    CHECK_STR(p, "realloc");
    p = realloc(p, 8);
    CHECK_STR(p, "realloc");
    free(p);
    free(NULL);
    int *z = calloc(100, sizeof *z);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(z[i], 0);
    free(z);
    void *a = _aligned_malloc(100, 256);
    CHECK_EQ((ULONG_PTR)a % 256, 0);
    _aligned_free(a);
    HANDLE h = HeapCreate(0, 0, 0);
    void *blocks[200];
    for (int i = 0; i < 200; i++) {
        blocks[i] = HeapAlloc(h, HEAP_ZERO_MEMORY, (SIZE_T)i * 37);
        CHECK(blocks[i] != NULL);
        CHECK_EQ(HeapSize(h, 0, blocks[i]), i * 37);
    }
    for (int i = 0; i < 200; i += 2)
        CHECK(HeapFree(h, 0, blocks[i]));
    CHECK(HeapValidate(h, 0, NULL));
    CHECK(HeapDestroy(h));
    char *v = VirtualAlloc(NULL, 0x20000, MEM_RESERVE, PAGE_READWRITE);
    CHECK(v != NULL && ((ULONG_PTR)v & 0xFFFF) == 0);
    CHECK(VirtualAlloc(v + 0x1000, 0x1000, MEM_COMMIT, PAGE_READWRITE) == v + 0x1000);
    v[0x1000] = 1;
    MEMORY_BASIC_INFORMATION m;
    CHECK_EQ(VirtualQuery(v, &m, sizeof m), sizeof m);
    CHECK(m.State == MEM_RESERVE && m.RegionSize == 0x1000 && m.AllocationBase == v && m.Type == MEM_PRIVATE);
    VirtualQuery(v + 0x1000, &m, sizeof m);
    CHECK(m.State == MEM_COMMIT && m.RegionSize == 0x1000 && m.Protect == PAGE_READWRITE);
    DWORD old = 0;
    CHECK(VirtualProtect(v + 0x1000, 0x1000, PAGE_READONLY, &old));
    CHECK_EQ(old, PAGE_READWRITE);
    CHECK(VirtualFree(v + 0x1000, 0x1000, MEM_DECOMMIT));
    CHECK(VirtualFree(v, 0, MEM_RELEASE));
    CHECK(!VirtualFree(v, 0, MEM_RELEASE));
    HLOCAL l = LocalAlloc(LPTR, 50);
    CHECK_EQ(LocalSize(l), 50);
    CHECK(LocalFree(l) == NULL);
}

static void test_time(void)
{
    time_t t = 86400 * 365;
    struct tm *g = gmtime(&t);
    CHECK(g->tm_year == 71 && g->tm_mon == 0 && g->tm_mday == 1 && g->tm_wday == 5 && g->tm_yday == 0);
#ifdef _UCRT
    CHECK_STR(asctime(g), "Fri Jan  1 00:00:00 1971\n");
#else
    CHECK_STR(asctime(g), "Fri Jan 01 00:00:00 1971\n");
#endif
    strftime(b, sizeof b, "%Y-%m-%d %H:%M:%S %j %a %B", g);
    CHECK_STR(b, "1971-01-01 00:00:00 001 Fri January");
    CHECK(time(NULL) > 1500000000);
    FILETIME ft;
    SYSTEMTIME st = { 2024, 2, 4, 29, 12, 30, 15, 250 }, back;
    CHECK(SystemTimeToFileTime(&st, &ft));
    CHECK(FileTimeToSystemTime(&ft, &back));
    CHECK(memcmp(&st, &back, sizeof st) == 0);
    LARGE_INTEGER q0, q1, qf;
    QueryPerformanceFrequency(&qf);
    QueryPerformanceCounter(&q0);
    Sleep(20);
    QueryPerformanceCounter(&q1);
    CHECK((q1.QuadPart - q0.QuadPart) * 1000 / qf.QuadPart >= 15);
}

static void test_environment(int argc, char **argv)
{
    CHECK(argc >= 1 && argv[argc] == NULL);
    CHECK(SetEnvironmentVariableA("IRPLAB_TEST", "value"));
    CHECK_EQ(GetEnvironmentVariableA("irplab_test", b, sizeof b), 5);
    CHECK_STR(b, "value");
    CHECK_EQ(GetEnvironmentVariableA("IRPLAB_TEST", b, 2), 6);
    CHECK_EQ(GetEnvironmentVariableA("IRPLAB_NONE", b, sizeof b), 0);
    CHECK_EQ(GetLastError(), ERROR_ENVVAR_NOT_FOUND);
    CHECK_EQ(ExpandEnvironmentStringsW(L"<%IRPLAB_TEST%>", w, 200), 8);
    CHECK(wcscmp(w, L"<value>") == 0);
    _putenv("IRPLAB_TWO=2");
    CHECK_STR(getenv("IRPLAB_TWO"), "2");
    CHECK(getenv("IRPLAB_NONE") == NULL);
}

static void test_code_pages(void)
{
    CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", -1, w, 200), 5);
    CHECK(w[0] == 0xe4 && w[1] == 0x20ac && w[2] == 0xd83d && w[3] == 0xde00);
    CHECK_EQ(WideCharToMultiByte(CP_UTF8, 0, w, -1, b, sizeof b, NULL, NULL), 10);
    CHECK_STR(b, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK_EQ(WideCharToMultiByte(1252, 0, L"\x20ac", 1, b, 1, NULL, NULL), 1);
    CHECK_EQ((unsigned char)b[0], 0x80);
    CHECK_EQ(MultiByteToWideChar(CP_ACP, 0, "abc", 3, NULL, 0), 3);
    CHECK_EQ(MultiByteToWideChar(CP_ACP, 0, "abc", 3, w, 2), 0);
    CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    CHECK_EQ(lstrcmpiA("ABC", "abc"), 0);
    CHECK_EQ(lstrlenW(NULL), 0);
    CHECK_EQ(CompareStringOrdinal(L"a", -1, L"B", -1, TRUE), CSTR_LESS_THAN);
}

static void test_errors(void)
{
    SetLastError(1234);
    CHECK_EQ(GetLastError(), 1234);
    CHECK_STR(strerror(ENOENT), "No such file or directory");
    CHECK(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, 2, 0x409, b, sizeof b, NULL) > 0);
    CHECK(CreateFileA("\\\\.\\irplab-not-there", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
    CHECK(CreateFileA("", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_PATH_NOT_FOUND);
    CHECK(CreateFileA("x", GENERIC_READ, 0, NULL, 9, 0, NULL) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
    CHECK(GetModuleHandleA("kernel32") != NULL);
    CHECK(GetModuleHandleA("irplab-no.dll") == NULL);
    CHECK_EQ(GetLastError(), ERROR_MOD_NOT_FOUND);
    CHECK(GetProcAddress(GetModuleHandleA("kernel32.dll"), "CreateFileW") != NULL);
    CHECK(GetProcAddress(GetModuleHandleA("kernel32.dll"), "NoSuchFunction") == NULL);
    CHECK_EQ(GetLastError(), ERROR_PROC_NOT_FOUND);
    LONG(WINAPI * last_status)(void) = (LONG(WINAPI *)(void))GetProcAddress(GetModuleHandleA("ntdll"), "RtlGetLastNtStatus");
    CloseHandle((HANDLE)0x7777770);
    CHECK_EQ(last_status(), (LONG)0xC0000008);
}

static jmp_buf jump;
static int signals;

static void on_signal(int n)
{
    signals += n;
}

static void leap(int v)
{
    longjmp(jump, v);
}

static void test_jumps(void)
{
    volatile int seen = 0;
    int r = setjmp(jump);
    if (r == 0) {
        seen = 1;
        leap(7);
    }
    CHECK(r == 7 && seen == 1);
    signal(SIGTERM, on_signal);
    raise(SIGTERM);
    CHECK_EQ(signals, SIGTERM);
}

static void last(void)
{
    printf("crt: %d failures\n", check_failures);
}

int main(int argc, char **argv)
{
    atexit(last);
    test_printf();
    test_scanf();
    test_strings();
    test_numbers();
    test_heap();
    test_time();
    test_environment(argc, argv);
    test_code_pages();
    test_errors();
    test_jumps();
    return check_failures;
}
