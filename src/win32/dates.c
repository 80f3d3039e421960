/* Dates and times as text: GetDateFormat and GetTimeFormat with a picture, in the only locale there is (English, United States). */
#include "win32/exports.h"
#include "win32/win32.h"

#include <stdio.h>

struct system_time {
    uint16_t year, month, weekday, day, hour, minute, second, milliseconds;
};

BOOL FileTimeToSystemTime(const uint64_t *t, struct system_time *s);
BOOL SystemTimeToFileTime(const struct system_time *s, uint64_t *t);

enum { SHORT_DATE = 1, LONG_DATE = 2, NO_SECONDS = 2, MOST = 200 };

static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char *const months[] = { "January", "February", "March",     "April",   "May",      "June",
                                      "July",    "August",   "September", "October", "November", "December" };

/* One field of the picture: a letter and how often it stands there. */
static size_t put_field(const struct system_time *t, char c, unsigned n, char *to, size_t room)
{
    unsigned hour = t->hour % 12 ? t->hour % 12 : 12;
    const char *number = n == 1 ? "%u" : "%02u";
    switch (c) {
    case 'd':
        return n <= 2 ? (size_t)snprintf(to, room, number, t->day) : (size_t)snprintf(to, room, n == 3 ? "%.3s" : "%s", days[t->weekday % 7]);
    case 'M':
        return n <= 2 ? (size_t)snprintf(to, room, number, t->month) : (size_t)snprintf(to, room, n == 3 ? "%.3s" : "%s", months[(t->month + 11) % 12]);
    case 'y':
        return n <= 2 ? (size_t)snprintf(to, room, number, t->year % 100) : (size_t)snprintf(to, room, "%u", t->year);
    case 'h':
        return (size_t)snprintf(to, room, number, hour);
    case 'H':
        return (size_t)snprintf(to, room, number, t->hour);
    case 'm':
        return (size_t)snprintf(to, room, number, t->minute);
    case 's':
        return (size_t)snprintf(to, room, number, t->second);
    default: /* 't' */
        return (size_t)snprintf(to, room, n == 1 ? "%.1s" : "%s", t->hour < 12 ? "AM" : "PM");
    }
}

static size_t format(const struct system_time *t, const char *picture, bool date, char *to, size_t room)
{
    const char *letters = date ? "dMy" : "hHmst";
    size_t n = 0;
    for (const char *p = picture; *p && n + 40 < room;) {
        unsigned count = 1;
        if (*p == '\'') {
            for (p++; *p && (*p != '\'' || p[1] == '\''); p++) {
                p += *p == '\'';
                to[n++] = *p;
            }
            p += *p == '\'';
            continue;
        }
        while (p[count] == *p)
            count++;
        if (strchr(letters, *p))
            n += put_field(t, *p, count, to + n, room - n);
        else
            for (unsigned i = 0; i < count; i++)
                to[n++] = *p;
        p += count;
    }
    to[n] = 0;
    return n;
}

static size_t text_of(ULONG flags, const struct system_time *given, const char *picture, bool date, char *to)
{
    struct system_time t;
    if (given)
        memcpy(&t, given, sizeof t);
    else
        GetLocalTime(&t);
    if (!picture && date)
        picture = flags & LONG_DATE ? "dddd, MMMM d, yyyy" : "M/d/yyyy";
    else if (!picture)
        picture = flags & NO_SECONDS ? "h:mm tt" : "h:mm:ss tt";
    return format(&t, picture, date, to, MOST);
}

static int give(const char *text, size_t n, void *to, int size, bool wide)
{
    if (size == 0)
        return (int)n + 1;
    if ((size_t)size <= n)
        return w32_error(ERROR_INSUFFICIENT_BUFFER);
    for (size_t i = 0; i <= n; i++) {
        if (wide)
            ((WCHAR *)to)[i] = (uint8_t)text[i];
        else
            ((char *)to)[i] = text[i];
    }
    return (int)n + 1;
}

static int wide_text(ULONG flags, const struct system_time *t, const WCHAR *picture, bool date, WCHAR *to, int size)
{
    char text[MOST];
    uint64_t p = picture ? w32_narrow(picture) : 0;
    size_t n = text_of(flags, t, (const char *)p, date, text);
    w32_free(p);
    return give(text, n, to, size, true);
}

int GetDateFormatA(ULONG locale, ULONG flags, const struct system_time *t, const char *picture, char *to, int size)
{
    char text[MOST];
    return give(text, text_of(flags, t, picture, true, text), to, size, false);
}

int GetTimeFormatA(ULONG locale, ULONG flags, const struct system_time *t, const char *picture, char *to, int size)
{
    char text[MOST];
    return give(text, text_of(flags, t, picture, false, text), to, size, false);
}

int GetDateFormatW(ULONG locale, ULONG flags, const struct system_time *t, const WCHAR *picture, WCHAR *to, int size)
{
    return wide_text(flags, t, picture, true, to, size);
}

int GetTimeFormatW(ULONG locale, ULONG flags, const struct system_time *t, const WCHAR *picture, WCHAR *to, int size)
{
    return wide_text(flags, t, picture, false, to, size);
}

/* ---- the times of FAT: two seconds' steps from 1980 ---- */

BOOL FileTimeToDosDateTime(const uint64_t *time, uint16_t *date, uint16_t *clock)
{
    struct system_time s;
    if (!FileTimeToSystemTime(time, &s) || s.year < 1980 || s.year > 2107)
        return w32_error(ERROR_INVALID_PARAMETER);
    *date = (uint16_t)((s.year - 1980) << 9 | s.month << 5 | s.day);
    *clock = (uint16_t)(s.hour << 11 | s.minute << 5 | s.second / 2);
    return TRUE;
}

BOOL DosDateTimeToFileTime(uint16_t date, uint16_t clock, uint64_t *time)
{
    struct system_time s = { .year = (uint16_t)((date >> 9) + 1980), .month = date >> 5 & 15, .day = date & 31, .hour = clock >> 11, .minute = clock >> 5 & 63,
                             .second = (uint16_t)((clock & 31) * 2) };
    return SystemTimeToFileTime(&s, time);
}
