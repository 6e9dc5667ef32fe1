// SPDX-License-Identifier: Apache-2.0

import CLinux

/// The type of an attribute: the kernel's headers give it as a plain number or as a case of one enum a message.
protocol AttributeCode {
    var attributeCode: UInt16 { get }
}

extension Int: AttributeCode {
    var attributeCode: UInt16 { UInt16(truncatingIfNeeded: self) }
}

extension AttributeCode where Self: RawRepresentable, RawValue == UInt32 {
    var attributeCode: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
}

extension rtattr_type_t: AttributeCode {}
extension nlmsgerr_attrs: AttributeCode {}
extension wgdevice_attribute: AttributeCode {}
extension wgpeer_attribute: AttributeCode {}
extension wgallowedip_attribute: AttributeCode {}
extension nft_table_attributes: AttributeCode {}
extension nft_chain_attributes: AttributeCode {}
extension nft_hook_attributes: AttributeCode {}
extension nft_rule_attributes: AttributeCode {}
extension nft_list_attributes: AttributeCode {}
extension nft_expr_attributes: AttributeCode {}
extension nft_set_attributes: AttributeCode {}
extension nft_set_elem_list_attributes: AttributeCode {}
extension nft_set_elem_attributes: AttributeCode {}
extension nft_data_attributes: AttributeCode {}
extension nft_verdict_attributes: AttributeCode {}
extension nft_immediate_attributes: AttributeCode {}
extension nft_meta_attributes: AttributeCode {}
extension nft_cmp_attributes: AttributeCode {}
extension nft_payload_attributes: AttributeCode {}
extension nft_lookup_attributes: AttributeCode {}
extension nft_bitwise_attributes: AttributeCode {}
extension nft_ct_attributes: AttributeCode {}
extension nft_exthdr_attributes: AttributeCode {}
extension nft_rt_attributes: AttributeCode {}
extension nft_xfrm_attributes: AttributeCode {}
extension nft_byteorder_attributes: AttributeCode {}
extension ctattr_type: AttributeCode {}
extension ctattr_tuple: AttributeCode {}
extension ctattr_ip: AttributeCode {}
extension ctattr_l4proto: AttributeCode {}
