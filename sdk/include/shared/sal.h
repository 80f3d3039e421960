/* SAL: annotations for static analysers, all of them nothing here. The toolchain's list is old: the rest follows. */
#ifndef IRPLAB_SAL_H
#define IRPLAB_SAL_H

#include_next <sal.h>

/* Warns in mingw where Microsoft's compiler says nothing without /analyze. */
#undef __checkReturn
#define __checkReturn
#undef _Check_return_
#define _Check_return_
#define _Check_return_opt_
#define _Check_return_wat_

#define _Pre_
#define _Pre_valid_
#define _Pre_opt_valid_
#define _Pre_invalid_
#define _Pre_unknown_
#define _Pre_null_
#define _Pre_maybenull_
#define _Pre_z_
#define _Pre_opt_z_
#define _Pre_writable_
#define _Pre_readonly_
#define _Pre_writeonly_
#define _Pre_cap_(s)
#define _Pre_bytecap_(s)
#define _Pre_count_(s)
#define _Pre_bytecount_(s)
#define _Pre_defensive_
#define _Pre_except_maybenull_

#define _Post_valid_
#define _Post_invalid_
#define _Post_ptr_invalid_
#define _Post_null_
#define _Post_notnull_
#define _Post_maybenull_
#define _Post_z_
#define _Post_count_(s)
#define _Post_bytecount_(s)
#define _Post_maybez_
#define _Post_cap_(s)
#define _Post_bytecap_(s)
#define _Post_defensive_
#define _Post_opt_valid_
#define _Post_unmarked_aliased_

#define _Null_
#define _Notnull_
#define _Maybenull_
#define _Valid_
#define _Notvalid_
#define _Maybevalid_
#define _Const_
#define _Points_to_data_
#define _Inexpressible_(x)
#define _Satisfies_(x)
#define _Result_zeroonfailure_
#define _Outptr_result_maybenull_
#define _Outptr_result_bytebuffer_maybenull_(s)
#define _Outptr_opt_result_nullonfailure_
#define _Deref_pre_valid_
#define _Deref_pre_z_
#define _Deref_pre_opt_z_
#define _Deref_pre_maybenull_
#define _Deref_pre_bytecap_(s)
#define _Deref_post_valid_
#define _Deref_post_z_
#define _Deref_post_opt_z_
#define _Deref_post_null_
#define _Deref_post_notnull_
#define _Deref_post_maybenull_
#define _Deref_post_opt_valid_
#define _Deref_post_bytecap_(s)
#define _Deref_post_bytecount_(s)
#define _Deref_out_z_
#define _Deref_out_opt_z_
#define _Deref_opt_out_z_
#define _Deref_opt_out_opt_z_
#define _Deref_out_range_(low, hi)
#define _Deref_inout_z_
#define _Deref_prepost_z_
#define _Deref2_pre_readonly_
#define _Ret_opt_
#define _Ret_opt_z_
#define _Ret_opt_valid_
#define _Ret_cap_(s)
#define _Ret_bytecap_(s)
#define _Ret_count_(s)
#define _Ret_bytecount_(s)
#define _Ret_opt_bytecap_(s)
#define _Ret_opt_bytecount_(s)
#define _Ret_writes_opt_(s)
#define _Ret_writes_bytes_opt_(s)
#define _Inout_updates_bytes_opt_to_(s, c)
#define _Frees_ptr_
#define _Frees_ptr_opt_
#define _Enum_is_bitflag_
#define _Struct_size_bytes_(s)
#define _Field_size_bytes_part_opt_(s, c)
#define _Outref_opt_
#define _Prepost_z_
#define _Analysis_noreturn_
#define _Analysis_suppress_lock_checking_(x)
#define _Interlocked_
#define _Interlocked_operand_
#define _In_function_class_(x)
#define _Called_from_function_class_(x)
#define _Pre_equal_to_(x)
#define _User_code_
#define _Kernel_code_
#define _On_failure_(x)
#define _SA_annotes0(n)
#define _SA_annotes1(n, a)
#define _SA_annotes2(n, a, b)
#define _SA_annotes3(n, a, b, c)
#define __in_xcount(x)
#define __in_xcount_opt(x)
#define __in_data_source(x)
#define __in_opt
#define __in_z
#define __in_nz
#define __in_z_opt
#define __in_nz_opt
#define __in_bcount_opt(x)
#define __in_bcount_z_opt(x)
#define __in_ecount_opt(x)
#define __in_ecount_z_opt(x)
#define __out_z
#define __out_nz
#define __out_z_opt
#define __out_opt
#define __out_bcount_opt(x)
#define __out_bcount_part_opt(x, y)
#define __out_bcount_full_opt(x)
#define __out_ecount_opt(x)
#define __out_ecount_part_opt(x, y)
#define __out_ecount_full_opt(x)
#define __out_ecount_z_opt(x)
#define __inout_opt
#define __inout_z
#define __inout_z_opt
#define __inout_bcount_opt(x)
#define __inout_bcount_part_opt(x, y)
#define __inout_bcount_full_opt(x)
#define __inout_ecount_opt(x)
#define __inout_ecount_z_opt(x)
#define __deref_inout
#define __deref_inout_opt
#define __deref_in
#define __deref_in_opt
#define __deref_opt_inout
#define __deref_opt_inout_opt
#define __deref_out_z
#define __deref_out_bcount(x)
#define __deref_out_bcount_opt(x)
#define __deref_out_bcount_full(x)
#define __deref_out_ecount_opt(x)
#define __deref_out_ecount_full(x)
#define __deref_opt_out_opt
#define __deref_out_range(x, y)
#define __field_bcount(x)
#define __field_bcount_opt(x)
#define __field_bcount_part(x, y)
#define __field_ecount(x)
#define __field_ecount_opt(x)
#define __field_ecount_part(x, y)
#define __field_range(x, y)
#define __field_xcount(x)
#define __field_nullterminated
#define __in_range(x, y)
#define __out_range(x, y)
#define __struct_bcount(x)
#define __success(x)
#define __reserved
#define __callback
#define __override
#define __nullterminated
#define __nullnullterminated
#define __format_string
#define __notnull
#define __maybenull
#define __readonly
#define __valid
#define __notvalid
#define __pre
#define __post
#define __deref
#define __possibly_notnullterminated
#define __readableTo(x)
#define __writableTo(x)
#define __typefix(x)
#define __control_entrypoint(x)
#define __data_entrypoint(x)
#define __analysis_noreturn
#define __analysis_hint(x)
#define __blocksOn(x)
#define __inner_control_entrypoint(x)
#define __inner_data_entrypoint(x)

#endif
