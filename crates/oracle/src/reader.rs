//! Reading bytes from the front or from the end, without believing any length.

use alloy_primitives::{B256, U256};

use crate::MessageError;

/// Bytes of a word of the ABI encoding.
pub(crate) const WORD: usize = 32;

/// What is left of a message. Integers are big-endian.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes.
    pub(crate) fn take(
        &mut self,
        count: usize,
        field: &'static str,
    ) -> Result<&'a [u8], MessageError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| self.truncated(count, field))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The last `count` bytes.
    pub(crate) fn take_end(
        &mut self,
        count: usize,
        field: &'static str,
    ) -> Result<&'a [u8], MessageError> {
        let (rest, taken) = self
            .rest
            .len()
            .checked_sub(count)
            .and_then(|at| self.rest.split_at_checked(at))
            .ok_or_else(|| self.truncated(count, field))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], MessageError> {
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or_else(|| self.truncated(N, field))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, MessageError> {
        self.array(field).map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, MessageError> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, MessageError> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, MessageError> {
        self.array(field).map(i32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, MessageError> {
        self.array(field).map(u64::from_be_bytes)
    }

    pub(crate) fn i64(&mut self, field: &'static str) -> Result<i64, MessageError> {
        self.array(field).map(i64::from_be_bytes)
    }

    pub(crate) fn u128(&mut self, field: &'static str) -> Result<u128, MessageError> {
        self.array(field).map(u128::from_be_bytes)
    }

    pub(crate) fn b256(&mut self, field: &'static str) -> Result<B256, MessageError> {
        self.array(field).map(B256::new)
    }

    /// The last `count` ≤ 32 bytes as a number.
    pub(crate) fn uint_end(
        &mut self,
        count: usize,
        field: &'static str,
    ) -> Result<U256, MessageError> {
        self.take_end(count, field).map(big_endian)
    }

    /// A word that holds a number of at most 64 bits.
    pub(crate) fn word_u64(&mut self, field: &'static str) -> Result<u64, MessageError> {
        let word = U256::from_be_bytes(self.array::<WORD>(field)?);
        u64::try_from(word).map_err(|_| MessageError::Padding { field })
    }

    /// A word that holds a number of at most 32 bits.
    pub(crate) fn word_u32(&mut self, field: &'static str) -> Result<u32, MessageError> {
        let word = self.word_u64(field)?;
        u32::try_from(word).map_err(|_| MessageError::Padding { field })
    }

    /// A word that must hold just this number: an offset or a length of the canonical encoding.
    pub(crate) fn word_is(
        &mut self,
        expected: usize,
        field: &'static str,
    ) -> Result<(), MessageError> {
        let found = self.word_u64(field)?;
        let expected = expected as u64;
        if found == expected {
            Ok(())
        } else {
            Err(MessageError::LengthLies { field, found, expected })
        }
    }

    /// Bytes with their length before and zeros up to the next whole word behind.
    pub(crate) fn word_bytes(&mut self, field: &'static str) -> Result<&'a [u8], MessageError> {
        let length = self.word_length(field)?;
        let bytes = self.take(length, field)?;
        let padding = self.take(padded(length) - length, field)?;
        if padding.iter().all(|byte| *byte == 0) {
            Ok(bytes)
        } else {
            Err(MessageError::Padding { field })
        }
    }

    /// A length in a word; no more than the bytes that are left, so that nothing is made of a lie.
    pub(crate) fn word_length(&mut self, field: &'static str) -> Result<usize, MessageError> {
        let length = usize::try_from(self.word_u64(field)?).unwrap_or(usize::MAX);
        if length > self.left() {
            return Err(self.truncated(length, field));
        }
        Ok(length)
    }

    /// Fails unless everything was read.
    pub(crate) fn end(&self, part: &'static str) -> Result<(), MessageError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(MessageError::TrailingBytes { part, count }),
        }
    }

    fn truncated(&self, needed: usize, field: &'static str) -> MessageError {
        MessageError::Truncated { field, needed, left: self.rest.len() }
    }
}

/// `length` rounded up to whole words. The length is one of bytes in memory, far from overflow.
pub(crate) fn padded(length: usize) -> usize {
    length.div_ceil(WORD) * WORD
}

/// At most 32 bytes as a number.
fn big_endian(bytes: &[u8]) -> U256 {
    U256::try_from_be_slice(bytes).unwrap_or(U256::MAX)
}
