//! Fields of a 32-byte word, in the order in which they are named.

use alloy_primitives::{Address, U256};
use gage_core::{Fault, Label};

/// Puts fields into a word, from the left.
pub(crate) struct Writer {
    bytes: [u8; 32],
    at: usize,
}

impl Writer {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; 32], at: 0 }
    }

    pub(crate) fn bytes(mut self, field: &[u8]) -> Self {
        let end = self.at + field.len();
        self.bytes[self.at..end].copy_from_slice(field);
        self.at = end;
        self
    }

    pub(crate) fn address(self, field: Address) -> Self {
        self.bytes(field.as_slice())
    }

    pub(crate) fn u8(self, field: u8) -> Self {
        self.bytes(&[field])
    }

    pub(crate) fn u16(self, field: u16) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    pub(crate) fn u32(self, field: u32) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    pub(crate) fn u64(self, field: u64) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    pub(crate) fn u128(self, field: u128) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    /// The low `width` bytes of `field`, which must hold all of it.
    pub(crate) fn narrow(self, field: u128, width: usize) -> Result<Self, Fault> {
        let bytes = field.to_be_bytes();
        let (dropped, kept) = bytes.split_at(bytes.len() - width);
        if dropped.iter().all(|byte| *byte == 0) {
            Ok(self.bytes(kept))
        } else {
            Err(Fault::Unreadable)
        }
    }

    pub(crate) fn finish(self) -> U256 {
        U256::from_be_bytes(self.bytes)
    }
}

/// Takes fields from a word, from the left.
pub(crate) struct Reader {
    bytes: [u8; 32],
    at: usize,
}

impl Reader {
    pub(crate) fn new(word: U256) -> Self {
        Self { bytes: word.to_be_bytes(), at: 0 }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.bytes[self.at..self.at + N]);
        self.at += N;
        field
    }

    pub(crate) fn address(&mut self) -> Address {
        Address::new(self.bytes())
    }

    pub(crate) fn u8(&mut self) -> u8 {
        let [field] = self.bytes();
        field
    }

    pub(crate) fn bool(&mut self) -> bool {
        self.u8() != 0
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.bytes())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.bytes())
    }

    pub(crate) fn u128(&mut self) -> u128 {
        u128::from_be_bytes(self.bytes())
    }

    /// The next `N` bytes as a number.
    pub(crate) fn wide<const N: usize>(&mut self) -> u128 {
        self.bytes::<N>().into_iter().fold(0, |number, byte| number << 8 | u128::from(byte))
    }
}

/// A label as Solidity stores short strings: the text from the left, twice its length at the end.
pub(crate) fn label_word(label: &Label) -> U256 {
    let text = label.as_str().as_bytes();
    let mut bytes = [0; 32];
    bytes[..text.len()].copy_from_slice(text);
    bytes[31] = 2 * text.len() as u8;
    U256::from_be_bytes(bytes)
}

/// The label in a word of [`label_word`].
pub(crate) fn label_from_word(word: U256) -> Result<Label, Fault> {
    let bytes: [u8; 32] = word.to_be_bytes();
    let text = bytes[..31].get(..usize::from(bytes[31] / 2)).ok_or(Fault::Unreadable)?;
    let text = core::str::from_utf8(text).map_err(|_| Fault::Unreadable)?;
    Label::new(text).map_err(|_| Fault::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_in_order_from_the_left() {
        let word = Writer::new().u8(1).u16(0x0203).u32(0x0405_0607).u64(0x0809_0a0b_0c0d_0e0f);
        let bytes: [u8; 32] = word.finish().to_be_bytes();
        assert_eq!(bytes[..15], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(bytes[15..], [0; 17]);
    }

    #[test]
    fn narrow_fields_refuse_what_they_cannot_hold() {
        let top = (1_u128 << 80) - 1;
        let word = Writer::new().narrow(top, 10).unwrap().finish();
        assert_eq!(Reader::new(word).wide::<10>(), top);
        assert!(Writer::new().narrow(top + 1, 10).is_err());
    }

    #[test]
    fn labels_read_back() {
        for text in ["", "USDC", "Grüße", "0123456789012345678901234567890"] {
            let label = Label::new(text).unwrap();
            assert_eq!(label_from_word(label_word(&label)).unwrap(), label);
        }
        assert!(label_from_word(U256::MAX).is_err());
    }
}
