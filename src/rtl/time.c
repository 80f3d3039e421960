/* NT time (100 ns since 1601-01-01, a Monday) and the calendar. */
#include "nt/status.h"
#include "rtl/misc.h"

static const LONGLONG TICKS_PER_SECOND = 10000000;
static const LONGLONG TICKS_PER_MILLISECOND = 10000;
static const LONGLONG SECONDS_1601_TO_1970 = 11644473600;
static const LONGLONG SECONDS_1601_TO_1980 = 11960006400;
enum { SECONDS_PER_DAY = 86400, DAYS_PER_400_YEARS = 146097, DAYS_PER_100_YEARS = 36524, DAYS_PER_4_YEARS = 1461 };

static int is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1601-01-01 to the first of January of year. 1601 begins a cycle of 400 years. */
static LONGLONG days_before_year(int year)
{
    LONGLONG y = year - 1601;
    return y * 365 + y / 4 - y / 100 + y / 400;
}

static void fill_time_of_day(LONGLONG ticks_of_day, TIME_FIELDS *f)
{
    LONGLONG seconds = ticks_of_day / TICKS_PER_SECOND;
    f->Hour = (SHORT)(seconds / 3600);
    f->Minute = (SHORT)(seconds / 60 % 60);
    f->Second = (SHORT)(seconds % 60);
    f->Milliseconds = (SHORT)(ticks_of_day % TICKS_PER_SECOND / TICKS_PER_MILLISECOND);
}

static void fill_date(LONGLONG days, TIME_FIELDS *f)
{
    int year = 1601 + (int)(days / DAYS_PER_400_YEARS * 400);
    LONGLONG rest = days % DAYS_PER_400_YEARS;
    int centuries = rest / DAYS_PER_100_YEARS == 4 ? 3 : (int)(rest / DAYS_PER_100_YEARS);
    rest -= centuries * DAYS_PER_100_YEARS;
    int fours = (int)(rest / DAYS_PER_4_YEARS);
    rest -= fours * DAYS_PER_4_YEARS;
    int ones = rest / 365 == 4 ? 3 : (int)(rest / 365);
    rest -= ones * 365;
    year += centuries * 100 + fours * 4 + ones;
    int month = 1;
    while (rest >= days_in_month(year, month))
        rest -= days_in_month(year, month++);
    f->Year = (SHORT)year;
    f->Month = (SHORT)month;
    f->Day = (SHORT)(rest + 1);
    f->Weekday = (SHORT)((days + 1) % 7);
}

void RtlTimeToTimeFields(const LARGE_INTEGER *time, TIME_FIELDS *fields)
{
    LONGLONG ticks_per_day = SECONDS_PER_DAY * TICKS_PER_SECOND;
    ULONGLONG ticks = (ULONGLONG)time->QuadPart;
    fill_date((LONGLONG)(ticks / (ULONGLONG)ticks_per_day), fields);
    fill_time_of_day((LONGLONG)(ticks % (ULONGLONG)ticks_per_day), fields);
}

/* Day counts the days; the other date fields are zero. */
void RtlTimeToElapsedTimeFields(const LARGE_INTEGER *time, TIME_FIELDS *fields)
{
    LONGLONG ticks_per_day = SECONDS_PER_DAY * TICKS_PER_SECOND;
    fields->Year = 0;
    fields->Month = 0;
    fields->Day = (SHORT)(time->QuadPart / ticks_per_day);
    fill_time_of_day(time->QuadPart % ticks_per_day, fields);
}

static int fields_are_valid(const TIME_FIELDS *f)
{
    return f->Year >= 1601 && f->Year <= 30827 && f->Month >= 1 && f->Month <= 12 && f->Day >= 1 &&
           f->Day <= days_in_month(f->Year, f->Month) && f->Hour >= 0 && f->Hour <= 23 && f->Minute >= 0 &&
           f->Minute <= 59 && f->Second >= 0 && f->Second <= 59 && f->Milliseconds >= 0 && f->Milliseconds <= 999;
}

BOOLEAN RtlTimeFieldsToTime(const TIME_FIELDS *fields, LARGE_INTEGER *time)
{
    TIME_FIELDS f = *fields;
    if (!fields_are_valid(&f))
        return FALSE;
    LONGLONG days = days_before_year(f.Year) + f.Day - 1;
    for (int month = 1; month < f.Month; month++)
        days += days_in_month(f.Year, month);
    LONGLONG seconds = days * SECONDS_PER_DAY + f.Hour * 3600 + f.Minute * 60 + f.Second;
    time->QuadPart = seconds * TICKS_PER_SECOND + f.Milliseconds * TICKS_PER_MILLISECOND;
    return TRUE;
}

static BOOLEAN seconds_since(const LARGE_INTEGER *time, LONGLONG epoch, ULONG *seconds)
{
    LONGLONG s = time->QuadPart / TICKS_PER_SECOND - epoch;
    if (s < 0 || s > UINT32_MAX)
        return FALSE;
    *seconds = (ULONG)s;
    return TRUE;
}

BOOLEAN RtlTimeToSecondsSince1970(const LARGE_INTEGER *time, ULONG *seconds)
{
    return seconds_since(time, SECONDS_1601_TO_1970, seconds);
}

BOOLEAN RtlTimeToSecondsSince1980(const LARGE_INTEGER *time, ULONG *seconds)
{
    return seconds_since(time, SECONDS_1601_TO_1980, seconds);
}

void RtlSecondsSince1970ToTime(ULONG seconds, LARGE_INTEGER *time)
{
    time->QuadPart = (seconds + SECONDS_1601_TO_1970) * TICKS_PER_SECOND;
}

void RtlSecondsSince1980ToTime(ULONG seconds, LARGE_INTEGER *time)
{
    time->QuadPart = (seconds + SECONDS_1601_TO_1980) * TICKS_PER_SECOND;
}

/* And RtlLocalTimeToSystemTime: the machine's time zone is UTC. */
NTSTATUS RtlSystemTimeToLocalTime(const LARGE_INTEGER *from, LARGE_INTEGER *to)
{
    *to = *from;
    return STATUS_SUCCESS;
}
