/* The keyboard: keys are what --input says; behind that, somebody presses Enter whenever a key is asked for. So "press any key" goes on, and a loop
 * until a key is hit ends at its second look: its body has run once. Who is asked again and again tries to leave: from the ninth key on q, Escape,
 * x and e come in turn, an Enter behind each. Standard input is what is typed, too, and then ends (see console.c). */
#include "win32/crt.h"

enum { ENTER = 13, ESCAPE = 27, PATIENCE = 8, KEY_EVENT = 1, ENTER_SCAN = 0x1C, RECORD_BYTES = 20 };

static BOOL is_input(HANDLE handle)
{
    return w32_console_of(handle) == 1 ? TRUE : w32_error(ERROR_INVALID_HANDLE);
}

/* INPUT_RECORD: type, KEY_EVENT_RECORD { down, repeat, virtual key, scan code, character, state } */
static int key(bool take)
{
    int c = w32_console_key(take);
    return c < 0 ? ENTER : c;
}

/* The virtual key of a letter or digit is its upper-case character. */
static BOOL put_key(HANDLE handle, uint8_t *records, ULONG count, ULONG *got, bool take)
{
    uint8_t record[RECORD_BYTES] = { KEY_EVENT, 0, 0, 0, 1, 0, 0, 0, 1, 0, ENTER, 0, ENTER_SCAN, 0, ENTER };
    if (!is_input(handle))
        return FALSE;
    int c = count ? key(take) : ENTER;
    if (c != ENTER) {
        record[10] = (uint8_t)(c >= 'a' && c <= 'z' ? c - 32 : c);
        record[12] = 0;
        record[14] = (uint8_t)c;
    }
    if (count)
        memcpy(records, record, sizeof record);
    *got = count ? 1 : 0;
    return TRUE;
}

BOOL ReadConsoleInputW(HANDLE handle, void *records, ULONG count, ULONG *got)
{
    return put_key(handle, records, count, got, true);
}

BOOL PeekConsoleInputW(HANDLE handle, void *records, ULONG count, ULONG *got)
{
    return put_key(handle, records, count, got, false);
}

BOOL GetNumberOfConsoleInputEvents(HANDLE handle, ULONG *count)
{
    if (!is_input(handle))
        return FALSE;
    *count = 1;
    return TRUE;
}

BOOL FlushConsoleInputBuffer(HANDLE handle)
{
    return is_input(handle);
}

int32_t crt__kbhit(void)
{
    return w32_console_key(false) >= 0 || w32_process()->key_polls++ > 0;
}

static int32_t next_key(void)
{
    static const char ways_out[] = {'q', ESCAPE, 'x', 'e'};
    int typed = w32_console_key(true);
    if (typed >= 0)
        return typed;
    uint32_t n = w32_process()->keys_read++;
    if (n < PATIENCE || n % 2)
        return ENTER;
    return ways_out[(n - PATIENCE) / 2 % sizeof ways_out];
}

int32_t crt__getch(void)
{
    w32_console_flush();
    return next_key();
}

int32_t crt__getche(void)
{
    int32_t key = next_key();
    char echo = (char)key;
    w32_console_write(1, &echo, 1);
    w32_console_flush();
    return key;
}

int32_t crt__putch(int32_t c)
{
    char byte = (char)c;
    w32_console_write(1, &byte, 1);
    return c;
}

int32_t crt__cputs(const char *s)
{
    w32_console_write(1, s, strlen(s));
    return 0;
}

static bool command_is(const char *command, const char *name)
{
    size_t n = strlen(name);
    while (*command == ' ' || *command == '@')
        command++;
    return w32_strnicmp(command, name, n) == 0 && (!command[n] || command[n] == ' ');
}

/* The commands of the command processor that only talk to the console. Others are not there: no process can be started. */
int32_t crt_system(const char *command)
{
    if (!command)
        return 1;
    if (command_is(command, "pause")) {
        static const char text[] = "Press any key to continue . . . \n";
        w32_console_write(1, text, sizeof text - 1);
        return 0;
    }
    if (command_is(command, "cls") || command_is(command, "title") || command_is(command, "color") || command_is(command, "mode") || command_is(command, "chcp"))
        return 0;
    return crt_fail(CRT_ENOENT);
}

/* ---- the screen: everything succeeds and nothing is seen ---- */

static BOOL is_output(HANDLE handle)
{
    return w32_console_of(handle) > 1 ? TRUE : w32_error(ERROR_INVALID_HANDLE);
}

BOOL SetConsoleTitleA(const char *title)
{
    return TRUE;
}

ULONG GetConsoleTitleA(char *to, ULONG size)
{
    if (size)
        *to = 0;
    return 0;
}

ULONG GetConsoleTitleW(WCHAR *to, ULONG size)
{
    if (size)
        *to = 0;
    return 0;
}

BOOL SetConsoleCursorPosition(HANDLE handle, ULONG position)
{
    return is_output(handle);
}

BOOL SetConsoleCursorInfo(HANDLE handle, const void *info)
{
    return is_output(handle);
}

BOOL GetConsoleCursorInfo(HANDLE handle, ULONG *info)
{
    if (!is_output(handle))
        return FALSE;
    info[0] = 25;
    info[1] = TRUE;
    return TRUE;
}

BOOL SetConsoleScreenBufferSize(HANDLE handle, ULONG size)
{
    return is_output(handle);
}

BOOL SetConsoleWindowInfo(HANDLE handle, BOOL absolute, const void *window)
{
    return is_output(handle);
}

static BOOL fill(HANDLE handle, ULONG count, ULONG *done)
{
    if (!is_output(handle))
        return FALSE;
    *done = count;
    return TRUE;
}

BOOL FillConsoleOutputCharacterA(HANDLE handle, ULONG c, ULONG count, ULONG at, ULONG *done)
{
    return fill(handle, count, done);
}

BOOL FillConsoleOutputAttribute(HANDLE handle, ULONG attribute, ULONG count, ULONG at, ULONG *done)
{
    return fill(handle, count, done);
}

BOOL Beep(ULONG frequency, ULONG milliseconds)
{
    return TRUE;
}

BOOL ReadConsoleA(HANDLE handle, void *text, ULONG count, ULONG *read, void *control)
{
    if (!is_input(handle))
        return FALSE;
    *read = (ULONG)w32_console_read(text, count);
    return TRUE;
}

BOOL GenerateConsoleCtrlEvent(ULONG event, ULONG group)
{
    struct w32_process *p = w32_process();
    if (event > 1)
        return w32_error(ERROR_INVALID_PARAMETER);
    for (int i = 7; i >= 0; i--)
        if (p->console_handlers[i] && (uint32_t)guest_call(FRAME_NONE, (void *)p->console_handlers[i], 1, (uint64_t)event))
            return TRUE;
    ExitProcess((ULONG)STATUS_CONTROL_C_EXIT);
}
