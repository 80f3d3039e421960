/* Stands between the run-time's start-up code and a `main` that C does not know: with a result of void, or with parameters
 * of other types (`ULONG argc`), both of which Microsoft's compiler takes. Linked only with such programs, where the linker
 * wraps the name.
 *
 * A main without a result ends the program with 0. (GUESS: Microsoft's compiler clears eax at the end of a void main.) */
#ifdef IRPLAB_VOID_MAIN
#define RESULT(call) ((call), 0)
#else
#define RESULT(call) (call)
#endif

typedef int any_main(int, void *, void *);

any_main __real_main, __wrap_main;

int __wrap_main(int argc, void *argv, void *envp)
{
    return RESULT(__real_main(argc, argv, envp));
}
