#include <stdio.h>

int main(int argc, char **argv)
{
    fprintf(stderr, "irplab: no command\n");
    return 2;
}
