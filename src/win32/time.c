/* Time: everything derives from the virtual clock. Its zone is UTC. */
#include "win32/win32.h"

#include "ke/exports.h"

enum { PER_SECOND = 10000000 };

struct system_time {
    uint16_t year, month, day_of_week, day, hour, minute, second, milliseconds;
};

/* Reading time is what loops do that wait for it. */
static uint64_t now(void)
{
    ke_time_asked();
    return ke_system_time();
}

ULONG GetTickCount(void)
{
    ke_time_asked();
    return (ULONG)(MACHINE->clock_100ns / 10000);
}

uint64_t GetTickCount64(void)
{
    ke_time_asked();
    return MACHINE->clock_100ns / 10000;
}

BOOL QueryPerformanceFrequency(int64_t *frequency)
{
    *frequency = PER_SECOND; /* what Windows 10 shows since 1809 */
    return TRUE;
}

BOOL QueryPerformanceCounter(int64_t *counter)
{
    ke_time_asked();
    *counter = (int64_t)MACHINE->clock_100ns;
    return TRUE;
}

void GetSystemTimeAsFileTime(uint64_t *time)
{
    uint64_t t = now();
    memcpy(time, &t, 8);
}

BOOL QueryUnbiasedInterruptTime(uint64_t *time)
{
    ke_time_asked();
    *time = MACHINE->clock_100ns;
    return TRUE;
}

static bool is_leap(unsigned y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static unsigned month_days(unsigned y, unsigned m)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[m - 1] + (m == 2 && is_leap(y));
}

static void to_fields(uint64_t t, struct system_time *s)
{
    uint64_t ms = t / 10000, days = ms / 86400000;
    s->milliseconds = (uint16_t)(ms % 1000);
    s->second = (uint16_t)(ms / 1000 % 60);
    s->minute = (uint16_t)(ms / 60000 % 60);
    s->hour = (uint16_t)(ms / 3600000 % 24);
    s->day_of_week = (uint16_t)((days + 1) % 7); /* 1601-01-01 was a Monday */
    unsigned y = 1601;
    for (unsigned n; days >= (n = is_leap(y) ? 366 : 365); y++)
        days -= n;
    unsigned m = 1;
    for (unsigned n; days >= (n = month_days(y, m)); m++)
        days -= n;
    s->year = (uint16_t)y;
    s->month = (uint16_t)m;
    s->day = (uint16_t)(days + 1);
}

static bool from_fields(const struct system_time *s, uint64_t *t)
{
    if (s->year < 1601 || s->year > 30827 || s->month < 1 || s->month > 12 || s->day < 1 || s->day > month_days(s->year, s->month) || s->hour > 23 || s->minute > 59 ||
        s->second > 59 || s->milliseconds > 999)
        return false;
    uint64_t days = s->day - 1u;
    for (unsigned y = 1601; y < s->year; y++)
        days += is_leap(y) ? 366 : 365;
    for (unsigned m = 1; m < s->month; m++)
        days += month_days(s->year, m);
    *t = ((((days * 24 + s->hour) * 60 + s->minute) * 60 + s->second) * 1000 + s->milliseconds) * 10000;
    return true;
}

void GetSystemTime(struct system_time *s)
{
    to_fields(now(), s);
}

void GetLocalTime(struct system_time *s)
{
    to_fields(now(), s);
}

BOOL FileTimeToSystemTime(const uint64_t *t, struct system_time *s)
{
    if (*t >> 63)
        return w32_error(ERROR_INVALID_PARAMETER);
    to_fields(*t, s);
    return TRUE;
}

BOOL SystemTimeToFileTime(const struct system_time *s, uint64_t *t)
{
    uint64_t v;
    if (!from_fields(s, &v))
        return w32_error(ERROR_INVALID_PARAMETER);
    memcpy(t, &v, 8);
    return TRUE;
}

BOOL FileTimeToLocalFileTime(const uint64_t *from, uint64_t *to)
{
    *to = *from;
    return TRUE;
}

BOOL LocalFileTimeToFileTime(const uint64_t *from, uint64_t *to)
{
    *to = *from;
    return TRUE;
}

LONG CompareFileTime(const uint64_t *a, const uint64_t *b)
{
    return *a < *b ? -1 : *a > *b;
}

ULONG GetTimeZoneInformation(void *information)
{
    memset(information, 0, 172);
    return 0; /* TIME_ZONE_ID_UNKNOWN: no daylight saving time */
}

BOOL GetSystemTimeAdjustment(ULONG *adjustment, ULONG *increment, BOOL *disabled)
{
    *adjustment = *increment = 156250;
    *disabled = TRUE;
    return TRUE;
}

BOOL GetProcessTimes(HANDLE process, uint64_t *created, uint64_t *exited, uint64_t *kernel, uint64_t *user)
{
    *created = ke_system_time() - MACHINE->clock_100ns;
    *exited = 0;
    *kernel = *user = 0;
    return TRUE;
}

BOOL GetThreadTimes(HANDLE thread, uint64_t *created, uint64_t *exited, uint64_t *kernel, uint64_t *user)
{
    *created = *exited = *kernel = *user = 0;
    return TRUE;
}
