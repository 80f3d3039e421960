/* A driver of a class extension: what its client library would add to the image says which. */
#include <ntddk.h>
#include <wdf.h>
#include <fxldr.h>

#ifndef CLASS
#define CLASS L"NetAdapterCx"
#endif

static PVOID Functions[8];
__attribute__((section(".kmdfclassbind$b"), used)) static WDF_CLASS_BIND_INFO Class = {sizeof(WDF_CLASS_BIND_INFO), (PWCHAR)CLASS, {2, 4, 0}, Functions, 8};

DRIVER_INITIALIZE DriverEntry;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;
    DbgPrint("its entry runs\n");
    WDF_DRIVER_CONFIG_INIT(&config, WDF_NO_EVENT_CALLBACK);
    config.DriverInitFlags = WdfDriverInitNonPnpDriver;
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
