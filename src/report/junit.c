/* JUnit's XML, in the subset that all readers of it understand; see ci.h. */
#include <string.h>

#include "report/ci.h"

/* Bytes of a well-formed UTF-8 sequence at p that XML 1.0 may contain; 0 otherwise. */
static size_t character(const unsigned char *p)
{
    uint32_t c = p[0];
    if (c < 0x80)
        return c >= 0x20 || c == '\t' || c == '\n' ? 1 : 0;
    size_t n = c >= 0xF0 && c < 0xF5 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 0;
    if (!n)
        return 0;
    c &= 0x7Fu >> n;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    bool shortest = n == 2 || (n == 3 && c >= 0x800) || (n == 4 && c >= 0x10000 && c < 0x110000);
    bool allowed = !(c >= 0xD800 && c < 0xE000) && c != 0xFFFE && c != 0xFFFF;
    return shortest && allowed ? n : 0;
}

/* In attributes a line's end would become a space. */
static void escape(FILE *out, const char *text, bool attribute)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t n = character(p);
        switch (*p) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\n':
            fputs(attribute ? "&#10;" : "\n", out);
            break;
        default:
            if (n)
                fwrite(p, 1, n, out);
            else
                fputc('?', out);
        }
        p += n ? n : 1;
    }
}

static void attribute(FILE *out, const char *name, const char *text)
{
    fprintf(out, " %s=\"", name);
    escape(out, text, true);
    fputc('"', out);
}

static void property(FILE *out, const char *name, const char *text)
{
    fputs("      <property", out);
    attribute(out, "name", name);
    attribute(out, "value", text);
    fputs("/>\n", out);
}

static void print_failure(FILE *out, const struct ci_result *r, const struct ci_failure *f)
{
    char name[600];
    snprintf(name, sizeof name, "%s: %s %s", r->name, f->kind, f->name);
    fputs("    <testcase classname=\"irplab\"", out);
    attribute(out, "name", name);
    fprintf(out, " time=\"%.3f\">\n      <failure", r->seconds / (double)r->failure_count);
    attribute(out, "type", f->kind);
    attribute(out, "message", f->message);
    fputc('>', out);
    escape(out, f->report, false);
    fputs("</failure>\n", out);
    if (f->replay) {
        fputs("      <system-out>", out);
        fputs("irplab replay ", out);
        escape(out, f->replay, false);
        fputs("</system-out>\n", out);
    }
    fputs("    </testcase>\n", out);
}

void ci_junit(FILE *out, const struct ci_result *r)
{
    char number[32];
    size_t tests = r->failure_count ? r->failure_count : 1;
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"irplab explore\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\" "
                 "time=\"%.3f\">\n    <properties>\n",
            tests, r->failure_count, r->seconds);
    snprintf(number, sizeof number, "%llu", (unsigned long long)r->schedules);
    property(out, "schedules", number);
    snprintf(number, sizeof number, "%llu", (unsigned long long)r->failing);
    property(out, "failing", number);
    property(out, "complete", r->complete ? "true" : "false");
    property(out, "bound", r->bound);
    fputs("    </properties>\n", out);
    for (size_t i = 0; i < r->failure_count; i++)
        print_failure(out, r, &r->failures[i]);
    if (!r->failure_count) {
        fputs("    <testcase classname=\"irplab\"", out);
        attribute(out, "name", r->name);
        fprintf(out, " time=\"%.3f\"/>\n", r->seconds);
    }
    fputs("  </testsuite>\n</testsuites>\n", out);
}
