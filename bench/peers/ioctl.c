/* What the host charges for the like of a device control: an ioctl of its own on a file that costs it nothing, and a byte to another
 * process and back through pipes. argv[1] times each; prints microseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double ioctls(int fd, int n)
{
    int bytes;
    double t = now();
    for (int i = 0; i < n; i++)
        if (ioctl(fd, FIONREAD, &bytes) != 0)
            exit(1);
    return (now() - t) / n;
}

static double round_trips(int n)
{
    int there[2], back[2];
    char byte = 0;
    if (pipe(there) != 0 || pipe(back) != 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1)
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        _exit(0);
    }
    double t = now();
    for (int i = 0; i < n; i++)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            exit(1);
    t = (now() - t) / n;
    close(there[1]);
    waitpid(child, NULL, 0);
    return t;
}

int main(int argc, char **argv)
{
    int pair[2], n = argc > 1 ? atoi(argv[1]) : 1000;
    if (pipe(pair) != 0)
        return 1;
    double i = ioctls(pair[0], n);
    printf("%.4f %.4f\n", i, round_trips(n / 10 + 1));
    return 0;
}
