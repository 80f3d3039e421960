/* Children come and go: what a program sees of it through setupapi and cfgmgr32, and what their drivers are asked for. */
#include <windows.h>
#include <winioctl.h>
#include <setupapi.h>
#include <cfgmgr32.h>
#include <dbt.h>
#include <stdio.h>
#include "codes.h"

/* Not in every SDK. */
CONFIGRET WINAPI CM_Set_DevNode_PropertyW(DEVINST, const DEVPROPKEY *, DEVPROPTYPE, const BYTE *, ULONG, ULONG);
CONFIGRET WINAPI CM_Get_Device_Interface_PropertyW(LPCWSTR, const DEVPROPKEY *, DEVPROPTYPE *, BYTE *, PULONG, ULONG);

static int failures;

static void fail(int line, const char *what, unsigned long long is, unsigned long long expected)
{
    printf("program.c:%d: %s is 0x%llx, not 0x%llx (error %lu)\n", line, what, is, expected, GetLastError());
    failures++;
}

#define CHECK_EQ(is, expected)                                                                         \
    do {                                                                                               \
        unsigned long long is_ = (unsigned long long)(is), expected_ = (unsigned long long)(expected); \
        if (is_ != expected_)                                                                          \
            fail(__LINE__, #is, is_, expected_);                                                       \
    } while (0)
#define CHECK(condition) CHECK_EQ(!!(condition), 1)

static HANDLE bus;

static void bus_control(DWORD code, DWORD serial)
{
    DWORD bytes;
    CHECK(DeviceIoControl(bus, code, &serial, sizeof serial, NULL, 0, &bytes, NULL));
}

static const char *log_of(void)
{
    static char text[2001];
    DWORD bytes = 0;
    CHECK(DeviceIoControl(bus, IOCTL_BUS_LOG, NULL, 0, text, 2000, &bytes, NULL));
    text[bytes] = 0;
    return text;
}

static void check_log(int line, const char *expected)
{
    const char *is = log_of();
    if (strcmp(is, expected)) {
        printf("program.c:%d: the children were asked for \"%s\", not \"%s\"\n", line, is, expected);
        failures++;
    }
}

/* The path of the interface number index of a class; "" if there is none. */
static const wchar_t *path_of(const GUID *class, int index)
{
    static wchar_t list[2000];
    ULONG size = 0;
    const wchar_t *p = list;
    CHECK_EQ(CM_Get_Device_Interface_List_SizeW(&size, (GUID *)class, NULL, CM_GET_DEVICE_INTERFACE_LIST_PRESENT), CR_SUCCESS);
    CHECK_EQ(CM_Get_Device_Interface_ListW((GUID *)class, NULL, list, size, CM_GET_DEVICE_INTERFACE_LIST_PRESENT), CR_SUCCESS);
    while (*p && index--)
        p += wcslen(p) + 1;
    return p;
}

static int count_of(const GUID *class)
{
    int n = 0;
    while (*path_of(class, n))
        n++;
    return n;
}

static HANDLE open_path(const wchar_t *path)
{
    return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

/* Plug and play works in the background: up to five seconds. */
static void wait_for(int line, int children)
{
    for (int i = 0; i < 50 && count_of(&GUID_CHILD) != children; i++)
        Sleep(100);
    if (count_of(&GUID_CHILD) != children)
        fail(line, "the number of children", count_of(&GUID_CHILD), children);
}

static DEVINST node_of(const wchar_t *id)
{
    DEVINST node = 0;
    CONFIGRET r = CM_Locate_DevNodeW(&node, (wchar_t *)id, CM_LOCATE_DEVNODE_NORMAL);
    return r == CR_SUCCESS ? node : 0;
}

static ULONG problem_of(DEVINST node, ULONG *status)
{
    ULONG problem = 99;
    CHECK_EQ(CM_Get_DevNode_Status(status, &problem, node, 0), CR_SUCCESS);
    return problem;
}

/* ---- tests ---- */

#define CHILD1 L"{78A1C341-4539-11D3-B88D-00C04FAD5173}\\Child\\01"
#define CHILD2 L"{78A1C341-4539-11D3-B88D-00C04FAD5173}\\Child\\02"

static void plug(void)
{
    DWORD serial = 0, bytes;
    bus_control(IOCTL_BUS_PLUG, 1);
    wait_for(__LINE__, 1);
    HANDLE h = open_path(path_of(&GUID_CHILD, 0));
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(DeviceIoControl(h, IOCTL_CHILD_SERIAL, NULL, 0, &serial, 4, &bytes, NULL));
    CHECK_EQ(serial, 1);
    CloseHandle(h);
    bus_control(IOCTL_BUS_PLUG, 2);
    wait_for(__LINE__, 2);
    check_log(__LINE__, "start start ");
}

static void tree(void)
{
    ULONG status = 0, length = 0, depth = 9;
    wchar_t id[200];
    DEVINST root = 0, one = node_of(CHILD1), up = 0, next = 0;
    CHECK(one);
    CHECK_EQ(problem_of(one, &status), 0);
    CHECK_EQ(status & (DN_STARTED | DN_HAS_PROBLEM | DN_DISABLEABLE | DN_REMOVABLE), DN_STARTED | DN_DISABLEABLE | DN_REMOVABLE);
    CHECK_EQ(CM_Get_Parent(&up, one, 0), CR_SUCCESS);
    CHECK_EQ(CM_Get_Device_ID_Size(&length, up, 0), CR_SUCCESS);
    CHECK_EQ(length, wcslen(L"ROOT\\ContractBus\\0000"));
    CHECK_EQ(CM_Get_Device_IDW(up, id, 200, 0), CR_SUCCESS);
    CHECK(!_wcsicmp(id, L"ROOT\\ContractBus\\0000"));
    CHECK_EQ(CM_Get_Child(&next, up, 0), CR_SUCCESS);
    CHECK_EQ(next, one);
    CHECK_EQ(CM_Get_Sibling(&next, one, 0), CR_SUCCESS);
    CHECK_EQ(next, node_of(CHILD2));
    CHECK_EQ(CM_Get_Sibling(&next, next, 0), CR_NO_SUCH_DEVNODE);
    CHECK_EQ(CM_Get_Child(&next, one, 0), CR_NO_SUCH_DEVNODE);
    CHECK_EQ(CM_Locate_DevNodeW(&root, NULL, 0), CR_SUCCESS);
    CHECK_EQ(CM_Get_Parent(&next, up, 0), CR_SUCCESS);
    CHECK_EQ(next, root);
    CHECK_EQ(CM_Get_Depth(&depth, one, 0), CR_SUCCESS);
    CHECK_EQ(depth, 2);
    CHECK_EQ(CM_Locate_DevNodeW(&next, (wchar_t *)L"{78A1C341-4539-11D3-B88D-00C04FAD5173}\\Child\\03", 0), CR_NO_SUCH_DEVNODE);
    CHECK_EQ(CM_Get_Device_IDW(one, id, 5, 0), CR_BUFFER_SMALL);
}

static void text_property(int line, HDEVINFO set, SP_DEVINFO_DATA *device, DWORD property, DWORD type, const wchar_t *expected)
{
    wchar_t text[200] = L"";
    DWORD kind = 0, needed = 0;
    SetLastError(0);
    if (SetupDiGetDeviceRegistryPropertyW(set, device, property, &kind, NULL, 0, &needed) || GetLastError() != ERROR_INSUFFICIENT_BUFFER)
        fail(line, "the size's error", GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    if (!SetupDiGetDeviceRegistryPropertyW(set, device, property, &kind, (BYTE *)text, sizeof text, &needed))
        fail(line, "the property's error", GetLastError(), 0);
    if (kind != type)
        fail(line, "the property's type", kind, type);
    if (_wcsicmp(text, expected))
        printf("program.c:%d: the property is %ls, not %ls\n", line, text, expected), failures++;
}

static void properties(HDEVINFO set, SP_DEVINFO_DATA *device)
{
    DWORD number = 0, type = 0, needed = 0;
    wchar_t text[200] = L"";
    HKEY key;
    text_property(__LINE__, set, device, SPDRP_HARDWAREID, REG_MULTI_SZ, L"{78A1C341-4539-11D3-B88D-00C04FAD5173}\\Child");
    text_property(__LINE__, set, device, SPDRP_COMPATIBLEIDS, REG_MULTI_SZ, L"{78A1C341-4539-11D3-B88D-00C04FAD5173}\\Any");
    text_property(__LINE__, set, device, SPDRP_DEVICEDESC, REG_SZ, L"A child");
    text_property(__LINE__, set, device, SPDRP_MFG, REG_SZ, L"Contract & Co");
    text_property(__LINE__, set, device, SPDRP_SERVICE, REG_SZ, L"contractchild");
    text_property(__LINE__, set, device, SPDRP_CLASS, REG_SZ, L"ContractChild");
    text_property(__LINE__, set, device, SPDRP_CLASSGUID, REG_SZ, L"{78A1C341-4539-11D3-B88D-00C04FAD5172}");
    text_property(__LINE__, set, device, SPDRP_FRIENDLYNAME, REG_SZ, L"A friendly child");
    text_property(__LINE__, set, device, SPDRP_ENUMERATOR_NAME, REG_SZ, L"{78A1C341-4539-11D3-B88D-00C04FAD5173}");
    text_property(__LINE__, set, device, SPDRP_LOCATION_INFORMATION, REG_SZ, L"Slot 2");
    CHECK(SetupDiGetDeviceRegistryPropertyW(set, device, SPDRP_ADDRESS, &type, (BYTE *)&number, 4, &needed));
    CHECK_EQ(number, 2);
    CHECK(SetupDiGetDeviceRegistryPropertyW(set, device, SPDRP_UI_NUMBER, &type, (BYTE *)&number, 4, &needed));
    CHECK_EQ(number, 102);
    CHECK(SetupDiGetDeviceRegistryPropertyW(set, device, SPDRP_CAPABILITIES, &type, (BYTE *)&number, 4, &needed));
    CHECK_EQ(number, CM_DEVCAP_EJECTSUPPORTED | CM_DEVCAP_REMOVABLE | CM_DEVCAP_UNIQUEID | CM_DEVCAP_SURPRISEREMOVALOK);
    CHECK(SetupDiGetDeviceRegistryPropertyW(set, device, SPDRP_BUSNUMBER, &type, (BYTE *)&number, 4, &needed));
    CHECK_EQ(number, 7);
    CHECK(!SetupDiGetDeviceRegistryPropertyW(set, device, SPDRP_UPPERFILTERS, &type, NULL, 0, &needed));
    CHECK_EQ(GetLastError(), ERROR_INVALID_DATA);
    key = SetupDiOpenDevRegKey(set, device, DICS_FLAG_GLOBAL, 0, DIREG_DEV, KEY_READ);
    CHECK(key != INVALID_HANDLE_VALUE);
    needed = sizeof number;
    CHECK_EQ(RegQueryValueExW(key, L"Depth", NULL, &type, (BYTE *)&number, &needed), 0);
    CHECK_EQ(number, 7);
    RegCloseKey(key);
    key = SetupDiOpenDevRegKey(set, device, DICS_FLAG_GLOBAL, 0, DIREG_DRV, KEY_READ);
    CHECK(key != INVALID_HANDLE_VALUE);
    needed = sizeof text;
    CHECK_EQ(RegQueryValueExW(key, L"Colour", NULL, &type, (BYTE *)text, &needed), 0);
    CHECK(!wcscmp(text, L"red"));
    needed = sizeof text;
    CHECK_EQ(RegQueryValueExW(key, L"MatchingDeviceId", NULL, &type, (BYTE *)text, &needed), 0);
    CHECK(!_wcsicmp(text, L"{78A1C341-4539-11D3-B88D-00C04FAD5173}\\Child"));
    RegCloseKey(key);
}

static void sets(void)
{
    static const GUID class = {0x78A1C341, 0x4539, 0x11D3, {0xB8, 0x8D, 0x00, 0xC0, 0x4F, 0xAD, 0x51, 0x72}};
    SP_DEVINFO_DATA device = {.cbSize = sizeof device};
    SP_DEVICE_INTERFACE_DATA data = {.cbSize = sizeof data};
    wchar_t id[200];
    DWORD needed = 0;
    HDEVINFO set = SetupDiGetClassDevsW(&class, NULL, NULL, DIGCF_PRESENT);
    CHECK(set != INVALID_HANDLE_VALUE);
    CHECK(SetupDiEnumDeviceInfo(set, 1, &device));
    CHECK(IsEqualGUID(&device.ClassGuid, &class));
    CHECK_EQ(device.DevInst, node_of(CHILD2));
    CHECK(SetupDiGetDeviceInstanceIdW(set, &device, id, 200, &needed));
    CHECK(!_wcsicmp(id, CHILD2));
    CHECK_EQ(needed, wcslen(CHILD2) + 1);
    properties(set, &device);
    CHECK(!SetupDiEnumDeviceInterfaces(set, &device, &GUID_CHILD, 0, &data));
    CHECK_EQ(GetLastError(), ERROR_NO_MORE_ITEMS);
    CHECK(!SetupDiEnumDeviceInfo(set, 2, &device));
    CHECK_EQ(GetLastError(), ERROR_NO_MORE_ITEMS);
    device.cbSize = 5;
    CHECK(!SetupDiEnumDeviceInfo(set, 0, &device));
    CHECK_EQ(GetLastError(), ERROR_INVALID_USER_BUFFER);
    device.cbSize = sizeof device;
    SetupDiDestroyDeviceInfoList(set);

    /* by enumerator, and with the interfaces of one device */
    set = SetupDiGetClassDevsW(NULL, L"{78A1C341-4539-11D3-B88D-00C04FAD5173}", NULL, DIGCF_PRESENT | DIGCF_ALLCLASSES);
    CHECK(SetupDiEnumDeviceInfo(set, 0, &device) && SetupDiEnumDeviceInfo(set, 1, &device) && !SetupDiEnumDeviceInfo(set, 2, &device));
    SetupDiDestroyDeviceInfoList(set);
    set = SetupDiGetClassDevsW(&GUID_CHILD, CHILD2, NULL, DIGCF_PRESENT | DIGCF_DEVICEINTERFACE);
    CHECK(SetupDiEnumDeviceInterfaces(set, NULL, &GUID_CHILD, 0, &data));
    CHECK_EQ(data.Flags, SPINT_ACTIVE);
    CHECK(!SetupDiGetDeviceInterfaceDetailW(set, &data, NULL, 0, &needed, NULL));
    CHECK_EQ(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    char buffer[600];
    SP_DEVICE_INTERFACE_DETAIL_DATA_W *detail = (void *)buffer;
    detail->cbSize = sizeof *detail;
    CHECK(SetupDiGetDeviceInterfaceDetailW(set, &data, detail, sizeof buffer, &needed, &device));
    CHECK_EQ(device.DevInst, node_of(CHILD2));
    CHECK(!SetupDiEnumDeviceInterfaces(set, NULL, &GUID_CHILD, 1, &data));
    SetupDiDestroyDeviceInfoList(set);
    CHECK(SetupDiGetClassDevsW(NULL, NULL, NULL, DIGCF_PRESENT) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
}

static void keyed(void)
{
    static const DEVPROPKEY instance = {{0x78c34fc8, 0x104a, 0x4aca, {0x9e, 0xa4, 0x52, 0x4d, 0x52, 0x99, 0x6e, 0x57}}, 256};
    static const DEVPROPKEY parent = {{0x4340a6c5, 0x93fa, 0x4706, {0x97, 0x2c, 0x7b, 0x64, 0x80, 0x08, 0xa5, 0xa7}}, 8};
    static const DEVPROPKEY own = {{0x11223344, 0x5566, 0x7788, {1, 2, 3, 4, 5, 6, 7, 8}}, 2};
    wchar_t text[300] = L"";
    ULONG size = sizeof text;
    DEVPROPTYPE type = 0;
    DEVINST two = node_of(CHILD2);
    DWORD number = 77;
    CHECK_EQ(CM_Get_DevNode_PropertyW(two, &instance, &type, (BYTE *)text, &size, 0), CR_SUCCESS);
    CHECK_EQ(type, DEVPROP_TYPE_STRING);
    CHECK(!_wcsicmp(text, CHILD2));
    size = 0;
    CHECK_EQ(CM_Get_DevNode_PropertyW(two, &parent, &type, NULL, &size, 0), CR_BUFFER_SMALL);
    CHECK_EQ(size, (wcslen(L"ROOT\\ContractBus\\0000") + 1) * 2);
    size = 4;
    CHECK_EQ(CM_Get_DevNode_PropertyW(two, &own, &type, (BYTE *)&number, &size, 0), CR_NO_SUCH_VALUE);
    CHECK_EQ(CM_Set_DevNode_PropertyW(two, &own, DEVPROP_TYPE_UINT32, (BYTE *)&number, 4, 0), CR_SUCCESS);
    number = 0;
    size = 4;
    CHECK_EQ(CM_Get_DevNode_PropertyW(two, &own, &type, (BYTE *)&number, &size, 0), CR_SUCCESS);
    CHECK_EQ(number, 77);
    size = sizeof text;
    CHECK_EQ(CM_Get_Device_Interface_PropertyW(path_of(&GUID_CHILD, 1), &instance, &type, (BYTE *)text, &size, 0), CR_SUCCESS);
    CHECK(!_wcsicmp(text, CHILD2));
}

static BOOL change_state(const wchar_t *id, DWORD state, DWORD *flags)
{
    SP_DEVINFO_DATA device = {.cbSize = sizeof device};
    SP_PROPCHANGE_PARAMS p = {{sizeof(SP_CLASSINSTALL_HEADER), DIF_PROPERTYCHANGE}, state, DICS_FLAG_GLOBAL, 0};
    SP_DEVINSTALL_PARAMS_W install = {.cbSize = sizeof install};
    HDEVINFO set = SetupDiCreateDeviceInfoList(NULL, NULL);
    BOOL ok = SetupDiOpenDeviceInfoW(set, id, NULL, 0, &device) && SetupDiSetClassInstallParamsW(set, &device, &p.ClassInstallHeader, sizeof p) &&
              SetupDiCallClassInstaller(DIF_PROPERTYCHANGE, set, &device);
    *flags = 0;
    if (SetupDiGetDeviceInstallParamsW(set, &device, &install))
        *flags = install.Flags & (DI_NEEDREBOOT | DI_NEEDRESTART);
    SetupDiDestroyDeviceInfoList(set);
    return ok;
}

static void disable(void)
{
    ULONG status = 0;
    DWORD flags;
    log_of();
    CHECK(change_state(CHILD2, DICS_DISABLE, &flags));
    CHECK_EQ(flags, 0);
    CHECK_EQ(count_of(&GUID_CHILD), 1);
    CHECK_EQ(problem_of(node_of(CHILD2), &status), CM_PROB_DISABLED);
    CHECK_EQ(status & (DN_STARTED | DN_HAS_PROBLEM), DN_HAS_PROBLEM);
    CHECK(change_state(CHILD2, DICS_ENABLE, &flags));
    CHECK_EQ(count_of(&GUID_CHILD), 2);
    CHECK_EQ(problem_of(node_of(CHILD2), &status), 0);
    check_log(__LINE__, "remove start ");
    CHECK_EQ(CM_Disable_DevNode(node_of(CHILD2), 0), CR_SUCCESS);
    CHECK_EQ(CM_Enable_DevNode(node_of(CHILD2), 0), CR_SUCCESS);
    CHECK(change_state(CHILD2, DICS_PROPCHANGE, &flags));
    check_log(__LINE__, "remove start remove start ");
}

/* Who refuses, and what it is called. */
static void refuse(void)
{
    PNP_VETO_TYPE veto = 99;
    wchar_t name[200] = L"";
    ULONG status;
    DWORD refuse = 1, bytes, flags;
    DEVINST two = node_of(CHILD2);
    HANDLE h = open_path(path_of(&GUID_CHILD, 1));
    CHECK_EQ(CM_Query_And_Remove_SubTreeW(two, &veto, name, 200, CM_REMOVE_NO_RESTART), CR_REMOVE_VETOED);
    CHECK_EQ(veto, PNP_VetoOutstandingOpen);
    check_log(__LINE__, "cancel-remove ");
    CHECK(DeviceIoControl(h, IOCTL_CHILD_REFUSE, &refuse, 4, NULL, 0, &bytes, NULL));
    CloseHandle(h);
    CHECK_EQ(CM_Query_And_Remove_SubTreeW(two, &veto, name, 200, CM_REMOVE_NO_RESTART), CR_REMOVE_VETOED);
    CHECK_EQ(veto, PNP_VetoDevice);
    CHECK(!_wcsicmp(name, CHILD2));
    CHECK_EQ(problem_of(two, &status), 0);
    CHECK(change_state(CHILD2, DICS_DISABLE, &flags));
    CHECK_EQ(flags, DI_NEEDREBOOT);
    h = open_path(path_of(&GUID_CHILD, 1));
    refuse = 0;
    CHECK(DeviceIoControl(h, IOCTL_CHILD_REFUSE, &refuse, 4, NULL, 0, &bytes, NULL));
    CloseHandle(h);
    log_of();
    CHECK_EQ(CM_Query_And_Remove_SubTreeW(two, &veto, name, 200, CM_REMOVE_NO_RESTART), CR_SUCCESS);
    CHECK_EQ(count_of(&GUID_CHILD), 1);
    CHECK_EQ(CM_Setup_DevNode(two, CM_SETUP_DEVNODE_READY), CR_SUCCESS);
    wait_for(__LINE__, 2);
    check_log(__LINE__, "remove start ");
}

static void failed(void)
{
    ULONG status = 0;
    DWORD state = 4 /* PNP_DEVICE_FAILED */, bytes;
    HANDLE h = open_path(path_of(&GUID_CHILD, 1));
    log_of();
    CHECK(DeviceIoControl(h, IOCTL_CHILD_STATE, &state, 4, NULL, 0, &bytes, NULL));
    wait_for(__LINE__, 1);
    Sleep(1000);
    check_log(__LINE__, "surprise ");
    CloseHandle(h);
    Sleep(1000);
    check_log(__LINE__, "remove ");
    CHECK_EQ(problem_of(node_of(CHILD2), &status), CM_PROB_FAILED_POST_START);
    CHECK_EQ(CM_Enable_DevNode(node_of(CHILD2), 0), CR_SUCCESS);
    wait_for(__LINE__, 2);
    check_log(__LINE__, "start ");
}

static void eject(void)
{
    ULONG status, problem;
    DEVINST two = node_of(CHILD2);
    CHECK_EQ(CM_Request_Device_EjectW(two, NULL, NULL, 0, 0), CR_SUCCESS);
    wait_for(__LINE__, 1);
    Sleep(1000);
    check_log(__LINE__, "remove eject remove ");
    CHECK_EQ(CM_Get_DevNode_Status(&status, &problem, two, 0), CR_NO_SUCH_DEVNODE);
    bus_control(IOCTL_BUS_PLUG, 2);
    wait_for(__LINE__, 2);
    bus_control(IOCTL_BUS_EJECT, 2);
    wait_for(__LINE__, 1);
    Sleep(1000);
    check_log(__LINE__, "start remove eject remove ");
}

/* Pulled out below an open handle. */
static void unplug(void)
{
    DWORD serial, bytes;
    HDEVINFO set;
    SP_DEVINFO_DATA device = {.cbSize = sizeof device};
    HANDLE h = open_path(path_of(&GUID_CHILD, 0));
    bus_control(IOCTL_BUS_UNPLUG, 1);
    wait_for(__LINE__, 0);
    Sleep(1000);
    check_log(__LINE__, "surprise ");
    CHECK(DeviceIoControl(h, IOCTL_CHILD_SERIAL, NULL, 0, &serial, 4, &bytes, NULL));
    CloseHandle(h);
    Sleep(1000);
    check_log(__LINE__, "remove ");
    CHECK_EQ(node_of(CHILD1), 0);
    set = SetupDiGetClassDevsW(NULL, L"{78A1C341-4539-11D3-B88D-00C04FAD5173}", NULL, DIGCF_ALLCLASSES); /* also those that are gone */
    CHECK(SetupDiEnumDeviceInfo(set, 0, &device) && SetupDiEnumDeviceInfo(set, 1, &device) && !SetupDiEnumDeviceInfo(set, 2, &device));
    SetupDiDestroyDeviceInfoList(set);
    set = SetupDiGetClassDevsW(NULL, L"{78A1C341-4539-11D3-B88D-00C04FAD5173}", NULL, DIGCF_ALLCLASSES | DIGCF_PRESENT);
    CHECK(!SetupDiEnumDeviceInfo(set, 0, &device));
    SetupDiDestroyDeviceInfoList(set);
}

/* ---- notification ---- */

#if !defined(CM_NOTIFY_FILTER_FLAG_ALL_INTERFACE_CLASSES)
typedef HANDLE HCMNOTIFICATION;
typedef enum { CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE, CM_NOTIFY_FILTER_TYPE_DEVICEHANDLE, CM_NOTIFY_FILTER_TYPE_DEVICEINSTANCE } CM_NOTIFY_FILTER_TYPE;
typedef enum {
    CM_NOTIFY_ACTION_DEVICEINTERFACEARRIVAL, CM_NOTIFY_ACTION_DEVICEINTERFACEREMOVAL, CM_NOTIFY_ACTION_DEVICEQUERYREMOVE, CM_NOTIFY_ACTION_DEVICEQUERYREMOVEFAILED,
    CM_NOTIFY_ACTION_DEVICEREMOVEPENDING, CM_NOTIFY_ACTION_DEVICEREMOVECOMPLETE, CM_NOTIFY_ACTION_DEVICECUSTOMEVENT, CM_NOTIFY_ACTION_DEVICEINSTANCEENUMERATED,
    CM_NOTIFY_ACTION_DEVICEINSTANCESTARTED, CM_NOTIFY_ACTION_DEVICEINSTANCEREMOVED
} CM_NOTIFY_ACTION;
typedef struct {
    DWORD cbSize, Flags;
    CM_NOTIFY_FILTER_TYPE FilterType;
    DWORD Reserved;
    union {
        struct { GUID ClassGuid; } DeviceInterface;
        struct { HANDLE hTarget; } DeviceHandle;
        struct { WCHAR InstanceId[200]; } DeviceInstance;
    } u;
} CM_NOTIFY_FILTER;
typedef struct {
    CM_NOTIFY_FILTER_TYPE FilterType;
    DWORD Reserved;
    union {
        struct { GUID ClassGuid; WCHAR SymbolicLink[1]; } DeviceInterface;
        struct { GUID EventGuid; LONG NameOffset; DWORD DataSize; BYTE Data[1]; } DeviceHandle;
        struct { WCHAR InstanceId[1]; } DeviceInstance;
    } u;
} CM_NOTIFY_EVENT_DATA;
typedef DWORD (CALLBACK *PCM_NOTIFY_CALLBACK)(HCMNOTIFICATION, void *, CM_NOTIFY_ACTION, CM_NOTIFY_EVENT_DATA *, DWORD);
#endif
CONFIGRET WINAPI CM_Register_Notification(CM_NOTIFY_FILTER *, void *, PCM_NOTIFY_CALLBACK, HCMNOTIFICATION *);
CONFIGRET WINAPI CM_Unregister_Notification(HCMNOTIFICATION);

static char heard[400];
static HANDLE watched; /* closed when somebody asks */
static int unwilling;
static DWORD custom_data;

static DWORD CALLBACK on_notify(HCMNOTIFICATION h, void *context, CM_NOTIFY_ACTION action, CM_NOTIFY_EVENT_DATA *data, DWORD bytes)
{
    static const char *const words[] = {"arrival", "removal", "query", "failed", "pending", "complete", "custom", "enumerated", "started", "gone"};
    sprintf(heard + strlen(heard), "%s%s ", (char *)context, words[action]);
    if (action == CM_NOTIFY_ACTION_DEVICEINTERFACEARRIVAL)
        CHECK(IsEqualGUID(&data->u.DeviceInterface.ClassGuid, &GUID_CHILD) && !_wcsicmp(data->u.DeviceInterface.SymbolicLink, path_of(&GUID_CHILD, 1)));
    if (action == CM_NOTIFY_ACTION_DEVICEINSTANCESTARTED)
        CHECK(!_wcsicmp(data->u.DeviceInstance.InstanceId, CHILD2));
    if (action == CM_NOTIFY_ACTION_DEVICECUSTOMEVENT && IsEqualGUID(&data->u.DeviceHandle.EventGuid, &GUID_CHILD_CUSTOM))
        memcpy(&custom_data, data->u.DeviceHandle.Data, 4);
    if (action == CM_NOTIFY_ACTION_DEVICEQUERYREMOVE) {
        if (unwilling)
            return ERROR_CANCELLED;
        CloseHandle(watched);
    }
    return ERROR_SUCCESS;
}

static void check_heard(int line, const char *expected)
{
    Sleep(1000);
    if (strcmp(heard, expected)) {
        printf("program.c:%d: heard \"%s\", not \"%s\"\n", line, heard, expected);
        failures++;
    }
    heard[0] = 0;
}

static void notification(void)
{
    CM_NOTIFY_FILTER f = {.cbSize = sizeof f, .FilterType = CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE};
    HCMNOTIFICATION interfaces, instance, handle;
    PNP_VETO_TYPE veto = 99;
    DWORD bytes;
    bus_control(IOCTL_BUS_PLUG, 1);
    wait_for(__LINE__, 1);
    f.u.DeviceInterface.ClassGuid = GUID_CHILD;
    CHECK_EQ(CM_Register_Notification(&f, "", on_notify, &interfaces), CR_SUCCESS);
    f.FilterType = CM_NOTIFY_FILTER_TYPE_DEVICEINSTANCE;
    wcscpy(f.u.DeviceInstance.InstanceId, CHILD2);
    CHECK_EQ(CM_Register_Notification(&f, "instance-", on_notify, &instance), CR_SUCCESS);
    f.cbSize = 3;
    CHECK_EQ(CM_Register_Notification(&f, "", on_notify, &handle), CR_INVALID_DATA);
    f.cbSize = sizeof f;
    bus_control(IOCTL_BUS_PLUG, 2);
    wait_for(__LINE__, 2);
    check_heard(__LINE__, "arrival instance-started ");
    CHECK_EQ(CM_Unregister_Notification(instance), CR_SUCCESS);
    CHECK_EQ(CM_Unregister_Notification(interfaces), CR_SUCCESS);
    watched = open_path(path_of(&GUID_CHILD, 1));
    f.FilterType = CM_NOTIFY_FILTER_TYPE_DEVICEHANDLE;
    f.u.DeviceHandle.hTarget = watched;
    CHECK_EQ(CM_Register_Notification(&f, "", on_notify, &handle), CR_SUCCESS);
    CHECK(DeviceIoControl(watched, IOCTL_CHILD_CUSTOM, NULL, 0, NULL, 0, &bytes, NULL));
    check_heard(__LINE__, "custom ");
    CHECK_EQ(custom_data, 2);
    unwilling = 1;
    CHECK_EQ(CM_Query_And_Remove_SubTreeW(node_of(CHILD2), &veto, NULL, 0, CM_REMOVE_NO_RESTART), CR_REMOVE_VETOED);
    CHECK_EQ(veto, PNP_VetoWindowsApp);
    check_heard(__LINE__, "query failed ");
    unwilling = 0;
    CHECK_EQ(CM_Query_And_Remove_SubTreeW(node_of(CHILD2), &veto, NULL, 0, CM_REMOVE_NO_RESTART), CR_SUCCESS);
    check_heard(__LINE__, "query complete ");
    CHECK_EQ(CM_Unregister_Notification(handle), CR_SUCCESS);
    bus_control(IOCTL_BUS_UNPLUG, 1);
    bus_control(IOCTL_BUS_UNPLUG, 2);
    wait_for(__LINE__, 0);
    log_of();
}

/* ---- the same by window messages ---- */

static DWORD custom_event;

static LRESULT CALLBACK on_message(HWND w, UINT message, WPARAM event, LPARAM data)
{
    if (message != WM_DEVICECHANGE)
        return DefWindowProcW(w, message, event, data);
    const DEV_BROADCAST_HDR *h = (const DEV_BROADCAST_HDR *)data;
    sprintf(heard + strlen(heard), "%04x ", (unsigned)event);
    if (event == DBT_DEVICEARRIVAL) {
        const DEV_BROADCAST_DEVICEINTERFACE_W *i = (const DEV_BROADCAST_DEVICEINTERFACE_W *)h;
        CHECK_EQ(h->dbch_devicetype, DBT_DEVTYP_DEVICEINTERFACE);
        CHECK(IsEqualGUID(&i->dbcc_classguid, &GUID_CHILD) && !_wcsicmp(i->dbcc_name, path_of(&GUID_CHILD, 1)));
    }
    if (event == DBT_CUSTOMEVENT) {
        const DEV_BROADCAST_HANDLE *b = (const DEV_BROADCAST_HANDLE *)h;
        CHECK_EQ(h->dbch_devicetype, DBT_DEVTYP_HANDLE);
        CHECK(b->dbch_handle == watched && IsEqualGUID(&b->dbch_eventguid, &GUID_CHILD_CUSTOM));
        memcpy(&custom_event, b->dbch_data, 4);
    }
    if (event == DBT_DEVICEQUERYREMOVE) {
        if (unwilling)
            return BROADCAST_QUERY_DENY;
        CloseHandle(watched);
    }
    return TRUE;
}

static HANDLE window_ready;

static DWORD WINAPI listener(void *p)
{
    WNDCLASSW c = {.lpfnWndProc = on_message, .lpszClassName = L"Contract.Bus"};
    MSG m;
    RegisterClassW(&c);
    *(HWND *)p = CreateWindowExW(0, c.lpszClassName, L"", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    SetEvent(window_ready);
    while (GetMessageW(&m, NULL, 0, 0) > 0)
        DispatchMessageW(&m);
    return 0;
}

static void window_messages(void)
{
    HWND window = NULL;
    DEV_BROADCAST_DEVICEINTERFACE_W i = {.dbcc_size = sizeof i, .dbcc_devicetype = DBT_DEVTYP_DEVICEINTERFACE, .dbcc_classguid = GUID_CHILD};
    DEV_BROADCAST_HANDLE b = {.dbch_size = sizeof b, .dbch_devicetype = DBT_DEVTYP_HANDLE};
    PNP_VETO_TYPE veto = 99;
    DWORD bytes, id;
    window_ready = CreateEventW(NULL, FALSE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, listener, &window, 0, &id);
    WaitForSingleObject(window_ready, INFINITE);
    CHECK(!RegisterDeviceNotificationW((HWND)0x777777, &i, DEVICE_NOTIFY_WINDOW_HANDLE));
    bus_control(IOCTL_BUS_PLUG, 1);
    wait_for(__LINE__, 1);
    HDEVNOTIFY interfaces = RegisterDeviceNotificationW(window, &i, DEVICE_NOTIFY_WINDOW_HANDLE);
    CHECK(interfaces != NULL);
    bus_control(IOCTL_BUS_PLUG, 2);
    wait_for(__LINE__, 2);
    check_heard(__LINE__, "8000 ");
    CHECK(UnregisterDeviceNotification(interfaces));
    b.dbch_handle = watched = open_path(path_of(&GUID_CHILD, 1));
    HDEVNOTIFY handle = RegisterDeviceNotificationW(window, &b, DEVICE_NOTIFY_WINDOW_HANDLE);
    CHECK(handle != NULL);
    CHECK(DeviceIoControl(watched, IOCTL_CHILD_CUSTOM, NULL, 0, NULL, 0, &bytes, NULL));
    check_heard(__LINE__, "8006 ");
    CHECK_EQ(custom_event, 2);
    unwilling = 1;
    CHECK_EQ(CM_Query_And_Remove_SubTreeW(node_of(CHILD2), &veto, NULL, 0, CM_REMOVE_NO_RESTART), CR_REMOVE_VETOED);
    CHECK_EQ(veto, PNP_VetoWindowsApp);
    check_heard(__LINE__, "8001 8002 ");
    unwilling = 0;
    CHECK_EQ(CM_Query_And_Remove_SubTreeW(node_of(CHILD2), &veto, NULL, 0, CM_REMOVE_NO_RESTART), CR_SUCCESS);
    check_heard(__LINE__, "8001 8004 ");
    CHECK(UnregisterDeviceNotification(handle));
    PostThreadMessageW(id, WM_QUIT, 0, 0);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    bus_control(IOCTL_BUS_UNPLUG, 1);
    bus_control(IOCTL_BUS_UNPLUG, 2);
    wait_for(__LINE__, 0);
    log_of();
}

/* The bus goes, and its children before it. */
static void whole_bus(void)
{
    DEVINST node = node_of(L"ROOT\\ContractBus\\0000");
    bus_control(IOCTL_BUS_PLUG, 3);
    wait_for(__LINE__, 1);
    CHECK_EQ(CM_Disable_DevNode(node, 0), CR_REMOVE_VETOED); /* we have it open */
    check_log(__LINE__, "start cancel-remove ");
    CloseHandle(bus);
    CHECK_EQ(CM_Disable_DevNode(node, 0), CR_SUCCESS);
    CHECK_EQ(count_of(&GUID_CHILD), 0);
    CHECK_EQ(count_of(&GUID_BUS_CONTROL), 0);
    CHECK_EQ(CM_Enable_DevNode(node, 0), CR_SUCCESS);
    CHECK_EQ(count_of(&GUID_BUS_CONTROL), 1);
}

int main(void)
{
    bus = open_path(path_of(&GUID_BUS_CONTROL, 0));
    CHECK(bus != INVALID_HANDLE_VALUE);
    plug();
    tree();
    sets();
    keyed();
    disable();
    refuse();
    failed();
    eject();
    unplug();
    notification();
    window_messages();
    whole_bus();
    printf("bus: %d failed\n", failures);
    return failures;
}
