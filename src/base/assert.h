/* Assertions: our own bugs. Always on; a failed one ends the process with status 3 and says how to
 * replay what was running (the hook is set by the layer that knows the schedule). */
#ifndef IRPLAB_BASE_ASSERT_H
#define IRPLAB_BASE_ASSERT_H

/* Called with the text of a failed assertion before the process ends; may print a replay command. */
extern void (*base_assert_hook)(void);

_Noreturn void base_assert_failed(const char *text, const char *file, int line);
_Noreturn void base_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define IR_ASSERT(x) ((x) ? (void)0 : base_assert_failed(#x, __FILE__, __LINE__))

#endif
