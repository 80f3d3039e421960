/* What a kernel's loader fills in: the pointer that guarded calls go through. */
void guard_target(void) {}
__attribute__((section(".00cfg"))) void *const __guard_dispatch_icall_fptr = (void *)guard_target;
__attribute__((section(".00cfg"))) void *const __guard_check_icall_fptr = (void *)guard_target;
