/* The PE format as it lies in the file. Private to this room. Fields that nobody reads are named as in the
 * specification all the same; every structure is packed, because nothing in a hostile file is aligned. */
#ifndef IRPLAB_PE_FORMAT_H
#define IRPLAB_PE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define PE_PACKED __attribute__((packed))

enum {
    PE_MAGIC_MZ = 0x5a4d,
    PE_MAGIC_PE = 0x00004550,
    PE_MACHINE_I386 = 0x14c,
    PE_MACHINE_ARM64 = 0xaa64,
    PE_MACHINE_AMD64 = 0x8664,
    PE_OPTIONAL_PE32 = 0x10b,
    PE_OPTIONAL_PE32PLUS = 0x20b,
};

struct PE_PACKED pe_raw_file_header {
    uint16_t machine;
    uint16_t section_count;
    uint32_t timestamp;
    uint32_t symbol_table;
    uint32_t symbol_count;
    uint16_t optional_size;
    uint16_t characteristics;
};

struct PE_PACKED pe_raw_directory {
    uint32_t rva;
    uint32_t size;
};

struct PE_PACKED pe_raw_optional { /* the PE32+ form, directories follow */
    uint16_t magic;
    uint8_t linker_major, linker_minor;
    uint32_t size_of_code, size_of_data, size_of_bss;
    uint32_t entry_rva;
    uint32_t base_of_code;
    uint64_t image_base;
    uint32_t section_alignment, file_alignment;
    uint16_t os_major, os_minor, image_major, image_minor, subsystem_major, subsystem_minor;
    uint32_t win32_version;
    uint32_t size_of_image, size_of_headers;
    uint32_t checksum;
    uint16_t subsystem, dll_characteristics;
    uint64_t stack_reserve, stack_commit, heap_reserve, heap_commit;
    uint32_t loader_flags;
    uint32_t directory_count;
};

struct PE_PACKED pe_raw_section {
    char name[8];
    uint32_t vsize, rva;
    uint32_t raw_size, raw;
    uint32_t relocs, lines;
    uint16_t reloc_count, line_count;
    uint32_t flags;
};

struct PE_PACKED pe_raw_import { /* IMAGE_IMPORT_DESCRIPTOR */
    uint32_t lookup_rva, timestamp, forwarder_chain, name_rva, iat_rva;
};

struct PE_PACKED pe_raw_delay { /* ImgDelayDescr */
    uint32_t attributes, name_rva, module_rva, iat_rva, lookup_rva, bound_rva, unload_rva, timestamp;
};

struct PE_PACKED pe_raw_export { /* IMAGE_EXPORT_DIRECTORY */
    uint32_t characteristics, timestamp;
    uint16_t major, minor;
    uint32_t name_rva, ordinal_base, function_count, name_count;
    uint32_t functions_rva, names_rva, ordinals_rva;
};

struct PE_PACKED pe_raw_reloc_block {
    uint32_t page_rva, size;
};

enum { PE_REL_ABSOLUTE = 0, PE_REL_HIGHLOW = 3, PE_REL_DIR64 = 10 };

struct PE_PACKED pe_raw_tls { /* IMAGE_TLS_DIRECTORY64: absolute addresses */
    uint64_t raw_start, raw_end, index, callbacks;
    uint32_t zero_fill, characteristics;
};

struct PE_PACKED pe_raw_load_config { /* IMAGE_LOAD_CONFIG_DIRECTORY64, as far as read */
    uint32_t size, timestamp;
    uint16_t major, minor;
    uint32_t global_flags_clear, global_flags_set, critical_section_timeout;
    uint64_t decommit_free_block, decommit_total_free, lock_prefix_table, maximum_allocation, virtual_memory_threshold;
    uint64_t process_affinity;
    uint32_t process_heap_flags;
    uint16_t csd_version, dependent_load_flags;
    uint64_t edit_list;
    uint64_t security_cookie;
    uint64_t seh_table, seh_count;
    uint64_t guard_check, guard_dispatch, guard_table, guard_count;
    uint32_t guard_flags;
    uint8_t code_integrity[12];
    uint64_t guard_iat_table, guard_iat_count, guard_long_jump_table, guard_long_jump_count;
    uint64_t dynamic_value_reloc_table, chpe_metadata, guard_rf_failure, guard_rf_failure_pointer;
    uint32_t dynamic_value_reloc_offset;
    uint16_t dynamic_value_reloc_section, reserved2;
    uint64_t guard_rf_stack_pointer;
    uint32_t hot_patch_offset, reserved3;
    uint64_t enclave, volatile_metadata, guard_eh_table, guard_eh_count;
    uint64_t guard_xfg_check, guard_xfg_dispatch, guard_xfg_table_dispatch;
};

struct PE_PACKED pe_raw_debug { /* IMAGE_DEBUG_DIRECTORY */
    uint32_t characteristics, timestamp;
    uint16_t major, minor;
    uint32_t type, size, rva, raw;
};

enum { PE_DEBUG_CODEVIEW = 2 };

struct PE_PACKED pe_raw_rsds {
    uint32_t signature; /* "RSDS" */
    uint8_t guid[16];
    uint32_t age;
};

_Static_assert(sizeof(struct pe_raw_optional) == 112, "PE32+ optional header");
_Static_assert(sizeof(struct pe_raw_section) == 40, "section header");
_Static_assert(sizeof(struct pe_raw_tls) == 40, "TLS directory");
_Static_assert(offsetof(struct pe_raw_load_config, security_cookie) == 0x58, "load config");
_Static_assert(offsetof(struct pe_raw_load_config, guard_flags) == 0x90, "load config");
_Static_assert(offsetof(struct pe_raw_load_config, guard_xfg_check) == 0x118, "load config");

#endif
