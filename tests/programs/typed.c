/* What is typed at the console: typed.txt, then nothing any more (but Enter for who asks for a key). With an argument the program fails in the end. */
#include <conio.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "check.h"

int main(int argc, char **argv)
{
    char name[20] = "", line[40] = "", raw[40] = "";
    WCHAR wide[8] = {0};
    int number = 0;
    DWORD got = 0;
    INPUT_RECORD record = {0};
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);

    CHECK(scanf("%d%19s", &number, name) == 2);
    CHECK(number == 42 && strcmp(name, "Bob") == 0);
    CHECK(fgets(line, sizeof(line), stdin) && strcmp(line, " x\n") == 0);
    CHECK(fgets(line, sizeof(line), stdin) && strcmp(line, "a line\n") == 0);
    /* A line at a time, and its rest the next time. */
    CHECK(ReadFile(input, raw, 5, &got, NULL) && got == 5 && memcmp(raw, "more ", 5) == 0);
    CHECK(ReadFile(input, raw, sizeof(raw), &got, NULL) && got == 5 && memcmp(raw, "raw\r\n", 5) == 0);
    CHECK(ReadConsoleW(input, wide, 8, &got, NULL) && got == 3 && wide[0] == 'w' && wide[1] == '\r' && wide[2] == '\n');
    CHECK(ReadFile(input, raw, 2, &got, NULL) && got == 2 && memcmp(raw, "e\r", 2) == 0);
    CHECK(ReadFile(input, raw, 1, &got, NULL) && got == 1 && raw[0] == '\n');
    CHECK(_kbhit());
    CHECK(_getch() == 'k');
    CHECK(_getche() == 'z');
    CHECK(_getch() == '\r');
    CHECK(PeekConsoleInputA(input, &record, 1, &got) && got == 1 && record.Event.KeyEvent.uChar.AsciiChar == 'c');
    CHECK(ReadConsoleInputA(input, &record, 1, &got) && record.Event.KeyEvent.wVirtualKeyCode == 'C' && record.Event.KeyEvent.bKeyDown);
    CHECK(getchar() == EOF);
    CHECK(ReadFile(input, raw, sizeof(raw), &got, NULL) && got == 0);
    CHECK(_getch() == '\r');
    printf("%d %s\n", number, name);
    (void)argv;
    return argc > 1 ? 7 : check_failures;
}
