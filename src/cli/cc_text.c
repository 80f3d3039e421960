/* What stands in the code of a source, seen in its text without comments and strings. */
#include "cli/cc_job.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text_of(const char *path)
{
    FILE *f = fopen(path, "rb");
    long n = f && !fseek(f, 0, SEEK_END) ? ftell(f) : -1;
    char *text = n >= 0 ? malloc((size_t)n + 1) : NULL;
    size_t got = text && !fseek(f, 0, SEEK_SET) ? fread(text, 1, (size_t)n, f) : 0;
    if (text)
        text[got] = 0;
    if (f)
        fclose(f);
    return text;
}

/* Comments, strings and characters become blanks; newlines stay. */
static void blank_out(char *s)
{
    while (*s) {
        char *end = s;
        if (s[0] == '/' && s[1] == '/')
            end += strcspn(s, "\n");
        else if (s[0] == '/' && s[1] == '*') {
            char *close = strstr(s + 2, "*/");
            end = close ? close + 2 : s + strlen(s);
        } else if (*s == '"' || *s == '\'') {
            for (end = s + 1; *end && *end != *s && *end != '\n'; end++)
                end += *end == '\\' && end[1];
            end += *end && *end != '\n';
        }
        if (end == s)
            s++;
        for (; s < end; s++)
            *s = *s == '\n' ? '\n' : ' ';
    }
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static char *code_of(const char *path)
{
    char *text = text_of(path);
    if (text)
        blank_out(text);
    return text;
}

static const char *find_word(const char *text, const char *from, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = from; (p = strstr(p, word)) != NULL; p += n)
        if (!is_word_char(p[n]) && (p == text || !is_word_char(p[-1])))
            return p;
    return NULL;
}

bool cc_mentions(const char *path, const char *word)
{
    char *text = code_of(path);
    bool found = text && find_word(text, text, word);
    free(text);
    return found;
}

/* What stands between the end of the declaration before, and the name. */
static bool void_before(const char *text, const char *name)
{
    const char *p = name;
    while (p > text && !strchr(";{})", p[-1]))
        p--;
    const char *lower = find_word(text, p, "void"), *upper = find_word(text, p, "VOID");
    return (lower && lower < name) || (upper && upper < name);
}

bool cc_gives_nothing(const char *path, const char *function)
{
    char *text = code_of(path);
    bool found = false;
    for (const char *p = text; p && !found && (p = find_word(text, p, function)) != NULL; p++) {
        const char *after = p + strlen(function);
        after += strspn(after, " \t\r\n");
        found = *after == '(' && void_before(text, p);
    }
    free(text);
    return found;
}
