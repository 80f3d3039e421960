/* Opens and closes a camera in a loop, and tells of every open that failed.
 *
 *     camera INTERFACE [ITERATIONS [DELAY]]
 *
 * INTERFACE is the path of the camera's device interface. DELAY, in milliseconds, is waited before every open but the
 * first. The exit code is the number of opens that failed. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>

NTSYSAPI LONG NTAPI RtlGetLastNtStatus(void);

enum { DEFAULT_ITERATIONS = 2, LONGEST_PATH = 260 };

/* An interface's path has no characters beyond ASCII. */
static void widen(const char *text, wchar_t *wide)
{
    int i = 0;
    for (; text[i] && i < LONGEST_PATH - 1; i++)
        wide[i] = (unsigned char)text[i];
    wide[i] = 0;
}

int main(int argc, char **argv)
{
    wchar_t deviceInterface[LONGEST_PATH];
    unsigned iterations = argc > 2 ? strtoul(argv[2], NULL, 0) : DEFAULT_ITERATIONS;
    unsigned delay = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
    int failures = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: camera INTERFACE [ITERATIONS [DELAY]]\n");
        return 255;
    }
    widen(argv[1], deviceInterface);
    for (unsigned i = 0; i < iterations; i++) {
        if (i && delay)
            Sleep(delay);
        HANDLE hFile = CreateFileW(deviceInterface, 0, 0, NULL, OPEN_EXISTING, 0, NULL);
        if (hFile != INVALID_HANDLE_VALUE) {
            CloseHandle(hFile);
        } else {
            printf("%u 0x%08lX\n", i, (unsigned long)RtlGetLastNtStatus());
            failures++;
        }
    }
    return failures;
}
