/* What a program's sources say about their start, seen in the text.
 *
 * wmain: Microsoft's linker chooses the start-up code by what it finds; here -municode does. */
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

/* The next function of that name that is declared or defined outside all bodies, from *at on: what follows its parenthesis; NULL. */
static const char *outer_function(const char **at, int *depth, const char *start, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = *at; *p; p++) {
        *depth += (*p == '{') - (*p == '}');
        if (*depth > 0 || strncmp(p, name, n) != 0 || is_word_char(p[n]) || (p > start && is_word_char(p[-1])))
            continue;
        const char *open = p + n + strspn(p + n, " \t\r\n");
        *at = p + n;
        if (*open == '(')
            return open + 1;
    }
    return NULL;
}

static char *code_of(const char *path)
{
    char *text = text_of(path);
    if (text)
        blank_out(text);
    return text;
}

bool cc_has_wide_main(const char *path, bool unicode)
{
    char *text = code_of(path);
    const char *at = text, *again = text;
    int depth = 0;
    bool wide = text && outer_function(&at, &depth, text, "wmain");
    depth = 0;
    unicode |= text && (strstr(text, "#define _UNICODE") || strstr(text, "#define UNICODE"));
    wide |= text && unicode && outer_function(&again, &depth, text, "_tmain");
    free(text);
    return wide;
}

bool cc_mentions(const char *path, const char *word)
{
    char *text = code_of(path);
    size_t n = strlen(word);
    bool found = false;
    for (const char *p = text; p && !found && (p = strstr(p, word)) != NULL; p += n)
        found = !is_word_char(p[n]) && (p == text || !is_word_char(p[-1]));
    free(text);
    return found;
}
