/* A small driver with static functions, for COFF symbols, and something imported. */
typedef unsigned int u32;

__declspec(dllimport) int NamedFunction(int);

volatile u32 counter;

static __attribute__((noinline)) void static_helper(u32 n)
{
    counter += n;
    NamedFunction((int)n);
}

static void driver_unload(void *driver)
{
    static_helper(2);
    counter = 0;
}

static const void *volatile table[] = { driver_unload };

u32 DriverEntry(void *driver, void *path)
{
    static_helper(1);
    return table[0] == 0;
}
