/* A person at the keyboard: presses Enter, and in the end whatever such programs want to be left with. */
#include "check.h"
#include <conio.h>
#include <ctype.h>

static int until(int key)
{
    int asked = 0;
    while (tolower(_getche()) != key && asked < 1000)
        asked++;
    return asked;
}

int main(void)
{
    static const int ways_out[] = {'q', 27, 'x', 'e', '\r'};
    CHECK_EQ(_getch(), '\r');
    CHECK(until('q') >= 1);
    for (unsigned i = 0; i < sizeof ways_out / sizeof *ways_out; i++)
        CHECK(until(ways_out[i]) < 1000);
    return check_failures;
}
