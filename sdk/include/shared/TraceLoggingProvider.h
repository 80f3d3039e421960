/* TraceLogging: events go nowhere, as on Windows while nobody listens. Providers can be registered; their arguments are not evaluated. */
#ifndef IRPLAB_SDK_TRACELOGGINGPROVIDER_H
#define IRPLAB_SDK_TRACELOGGINGPROVIDER_H

struct _tlgProvider_t {
    int registered;
};
typedef struct _tlgProvider_t const *TraceLoggingHProvider;

#define TraceLoggingOptionGroup(...)
#define TRACELOGGING_DECLARE_PROVIDER(provider) extern TraceLoggingHProvider const provider
#ifdef __cplusplus
#define TRACELOGGING_DEFINE_PROVIDER(provider, name, ...) extern TraceLoggingHProvider const provider = 0
#else
#define TRACELOGGING_DEFINE_PROVIDER(provider, name, ...) TraceLoggingHProvider const provider = 0
#endif
#define TRACELOGGING_DEFINE_PROVIDER_STORAGE(storage, name, ...) static struct _tlgProvider_t const storage = {0}

/* STATUS_SUCCESS and S_OK. */
#define TraceLoggingRegister(provider) ((void)(provider), 0)
#define TraceLoggingRegisterEx(provider, callback, context) ((void)(provider), 0)
#define TraceLoggingUnregister(provider) ((void)(provider))
#define TraceLoggingProviderEnabled(provider, level, keyword) ((void)(provider), 0)
#define TraceLoggingWrite(...) ((void)0)
#define TraceLoggingWriteActivity(...) ((void)0)
#define TraceLoggingWriteEx(...) ((void)0)
#define TraceLoggingWriteStart(...) ((void)0)
#define TraceLoggingWriteStop(...) ((void)0)
#define TraceLoggingWriteTagged(...) ((void)0)

#endif
