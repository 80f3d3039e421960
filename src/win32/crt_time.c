/* time.h on the virtual clock; local time is UTC. */
#include "win32/crt.h"

#include <stdio.h>

#include "ke/exports.h"

#define EPOCH_100NS 116444736000000000ull /* 1970 in 100 ns since 1601 */

enum { LAST_YEAR = 3000 };

static int64_t seconds_now(void)
{
    ke_time_asked();
    return (int64_t)((ke_system_time() - EPOCH_100NS) / 10000000);
}

int64_t crt__time64(int64_t *out)
{
    int64_t t = seconds_now();
    if (out)
        *out = t;
    return t;
}

int32_t crt__time32(int32_t *out)
{
    int32_t t = (int32_t)seconds_now();
    if (out)
        *out = t;
    return t;
}

int32_t crt_clock(void)
{
    ke_time_asked();
    return (int32_t)(MACHINE->clock_100ns / 10000); /* CLOCKS_PER_SEC is 1000 */
}

void crt__ftime64(uint8_t *out)
{
    int64_t t = seconds_now();
    memset(out, 0, 16);
    memcpy(out, &t, 8);
    uint16_t ms = (uint16_t)(ke_system_time() / 10000 % 1000);
    memcpy(out + 8, &ms, 2);
}

int32_t crt__timespec64_get(int64_t *out, int32_t base)
{
    if (base != 1)
        return 0;
    out[0] = seconds_now();
    *(int32_t *)&out[1] = (int32_t)(ke_system_time() % 10000000 * 100);
    return base;
}

static bool is_leap(int y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int month_days(int y, int m)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[m] + (m == 1 && is_leap(y));
}

static bool to_fields(int64_t t, struct crt_tm *f)
{
    if (t < 0 || t > 32535244799)
        return false;
    int64_t days = t / 86400, rest = t % 86400;
    *f = (struct crt_tm) { .hour = (int32_t)(rest / 3600), .min = (int32_t)(rest / 60 % 60), .sec = (int32_t)(rest % 60) };
    f->wday = (int32_t)((days + 4) % 7);
    int y = 1970;
    for (int n; days >= (n = is_leap(y) ? 366 : 365); y++)
        days -= n;
    f->yday = (int32_t)days;
    for (int n; days >= (n = month_days(y, f->mon)); f->mon++)
        days -= n;
    f->mday = (int32_t)days + 1;
    f->year = y - 1900;
    return true;
}

static int64_t from_fields(struct crt_tm *f)
{
    int64_t months = (int64_t)f->year * 12 + f->mon;
    int64_t y = 1900 + (months >= 0 ? months / 12 : (months - 11) / 12);
    int m = (int)(months - (y - 1900) * 12);
    if (y < 1970 || y > LAST_YEAR)
        return -1;
    int64_t days = f->mday - 1;
    for (int k = 1970; k < y; k++)
        days += is_leap(k) ? 366 : 365;
    for (int k = 0; k < m; k++)
        days += month_days((int)y, k);
    int64_t t = ((days * 24 + f->hour) * 60 + f->min) * 60 + f->sec;
    return t >= 0 && to_fields(t, f) ? t : -1;
}

struct crt_tm *crt__gmtime64(const int64_t *t)
{
    struct crt_tm *f = &crt_thread()->tm;
    if (t && to_fields(*t, f))
        return f;
    crt_fail(CRT_EINVAL);
    return NULL;
}

struct crt_tm *crt__gmtime32(const int32_t *t)
{
    int64_t wide = *t;
    return crt__gmtime64(&wide);
}

int32_t crt__gmtime64_s(struct crt_tm *out, const int64_t *t)
{
    if (out && t && to_fields(*t, out))
        return 0;
    crt_fail(CRT_EINVAL);
    return CRT_EINVAL;
}

int64_t crt__mktime64(struct crt_tm *f)
{
    return from_fields(f);
}

int32_t crt__mktime32(struct crt_tm *f)
{
    return (int32_t)from_fields(f);
}

double crt__difftime64(int64_t a, int64_t b)
{
    return (double)(a - b);
}

static const char *const day_names[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char *const month_names[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" };

static const char *name_of(const char *const *names, int n, int i)
{
    return i >= 0 && i < n ? names[i] : "???";
}

/* msvcrt writes the day with a zero, UCRT with a blank. */
static void put_asctime(const struct crt_tm *f, char *to, size_t size, bool blank)
{
    snprintf(to, size, blank ? "%.3s %.3s %2d %02d:%02d:%02d %d\n" : "%.3s %.3s %02d %02d:%02d:%02d %d\n", name_of(day_names, 7, f->wday), name_of(month_names, 12, f->mon), f->mday, f->hour, f->min, f->sec,
             1900 + f->year);
}

char *crt_asctime(const struct crt_tm *f)
{
    struct crt_thread *t = crt_thread();
    put_asctime(f, t->text, sizeof t->text, false);
    return t->text;
}

char *crt_asctime_ucrt(const struct crt_tm *f)
{
    struct crt_thread *t = crt_thread();
    put_asctime(f, t->text, sizeof t->text, true);
    return t->text;
}

int32_t crt_asctime_s(char *to, uint64_t size, const struct crt_tm *f)
{
    put_asctime(f, to, size, true);
    return 0;
}

char *crt__ctime64(const int64_t *t)
{
    struct crt_tm f;
    if (!t || !to_fields(*t, &f))
        return NULL;
    return crt_asctime(&f);
}

char *crt__ctime64_ucrt(const int64_t *t)
{
    struct crt_tm f;
    return t && to_fields(*t, &f) ? crt_asctime_ucrt(&f) : NULL;
}

static int week_of(const struct crt_tm *f, int first_day)
{
    return (f->yday + 7 - (f->wday - first_day + 7) % 7) / 7;
}

static size_t one(char *to, size_t room, unsigned c, const struct crt_tm *f)
{
    int hour12 = f->hour % 12 ? f->hour % 12 : 12;
    const char *day = name_of(day_names, 7, f->wday), *month = name_of(month_names, 12, f->mon), *half = f->hour < 12 ? "AM" : "PM";
    int n;
    switch (c) {
    case 'a':
        n = snprintf(to, room, "%.3s", day);
        break;
    case 'A':
        n = snprintf(to, room, "%s", day);
        break;
    case 'b':
    case 'h':
        n = snprintf(to, room, "%.3s", month);
        break;
    case 'B':
        n = snprintf(to, room, "%s", month);
        break;
    case 'c':
        n = snprintf(to, room, "%02d/%02d/%02d %02d:%02d:%02d", f->mon + 1, f->mday, f->year % 100, f->hour, f->min, f->sec);
        break;
    case 'd':
        n = snprintf(to, room, "%02d", f->mday);
        break;
    case 'D':
    case 'x':
        n = snprintf(to, room, "%02d/%02d/%02d", f->mon + 1, f->mday, f->year % 100);
        break;
    case 'F':
        n = snprintf(to, room, "%d-%02d-%02d", f->year + 1900, f->mon + 1, f->mday);
        break;
    case 'H':
        n = snprintf(to, room, "%02d", f->hour);
        break;
    case 'I':
        n = snprintf(to, room, "%02d", hour12);
        break;
    case 'j':
        n = snprintf(to, room, "%03d", f->yday + 1);
        break;
    case 'm':
        n = snprintf(to, room, "%02d", f->mon + 1);
        break;
    case 'M':
        n = snprintf(to, room, "%02d", f->min);
        break;
    case 'p':
        n = snprintf(to, room, "%s", half);
        break;
    case 'S':
        n = snprintf(to, room, "%02d", f->sec);
        break;
    case 'T':
    case 'X':
        n = snprintf(to, room, "%02d:%02d:%02d", f->hour, f->min, f->sec);
        break;
    case 'U':
        n = snprintf(to, room, "%02d", week_of(f, 0));
        break;
    case 'w':
        n = snprintf(to, room, "%d", f->wday);
        break;
    case 'W':
        n = snprintf(to, room, "%02d", week_of(f, 1));
        break;
    case 'y':
        n = snprintf(to, room, "%02d", f->year % 100);
        break;
    case 'Y':
        n = snprintf(to, room, "%d", f->year + 1900);
        break;
    case 'z':
        n = snprintf(to, room, "+0000");
        break;
    case 'Z':
        n = snprintf(to, room, "UTC");
        break;
    default:
        n = snprintf(to, room, "%c", (char)c);
    }
    return (size_t)n;
}

uint64_t crt_strftime(char *to, uint64_t size, const char *format, const struct crt_tm *f)
{
    size_t n = 0;
    for (const char *p = format; *p; p++) {
        char piece[64];
        size_t k = 1;
        piece[0] = *p;
        if (*p == '%' && p[1]) {
            p += p[1] == '#' ? 2 : 1;
            if (!*p)
                break;
            k = one(piece, sizeof piece, (uint8_t)*p, f);
        }
        if (n + k >= size) {
            if (size)
                *to = 0;
            return 0;
        }
        memcpy(to + n, piece, k);
        n += k;
    }
    to[n] = 0;
    return n;
}

void crt__tzset(void)
{
}

int32_t crt__get_timezone(int32_t *seconds)
{
    *seconds = 0;
    return 0;
}

int32_t crt__get_daylight(int32_t *hours)
{
    *hours = 0;
    return 0;
}

uint64_t crt___daylight(void)
{
    return w32_data_export("msvcrt.dll", "_daylight");
}

uint64_t crt___timezone(void)
{
    return w32_data_export("msvcrt.dll", "_timezone");
}

uint64_t crt___tzname(void)
{
    return w32_data_export("msvcrt.dll", "_tzname");
}

void crt_data_tzname(void *at)
{
    /* Two pointers, the texts behind them. */
    uint64_t *p = at;
    char *text = (char *)(p + 2);
    memcpy(text, "UTC\0UTC", 8);
    p[0] = (uint64_t)text;
    p[1] = (uint64_t)text + 4;
}

/* "mm/dd/yy" and "hh:mm:ss" */
char *crt__strdate(char *to)
{
    struct crt_tm f;
    to_fields(seconds_now(), &f);
    snprintf(to, 9, "%02u/%02u/%02u", (unsigned)(f.mon + 1) % 100, (unsigned)f.mday % 100, (unsigned)f.year % 100);
    return to;
}

char *crt__strtime(char *to)
{
    struct crt_tm f;
    to_fields(seconds_now(), &f);
    snprintf(to, 9, "%02u:%02u:%02u", (unsigned)f.hour % 100, (unsigned)f.min % 100, (unsigned)f.sec % 100);
    return to;
}
