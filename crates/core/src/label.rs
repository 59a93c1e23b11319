//! Short texts that fit one storage slot: names and symbols.

use crate::error::Error;

/// Most bytes of a [`Label`].
pub const LABEL_BYTES_MAX: usize = 31;

/// A text of at most 31 bytes of UTF-8, kept as a length and its bytes, the rest zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    bytes: [u8; LABEL_BYTES_MAX],
    length: u8,
}

impl Label {
    /// The label that reads `text`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] with the length if `text` is longer than [`LABEL_BYTES_MAX`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let too_long = || Error::InvalidParameter {
            name: "label",
            value: u128::try_from(text.len()).unwrap_or(u128::MAX),
        };
        let mut bytes = [0; LABEL_BYTES_MAX];
        let place = bytes.get_mut(..text.len()).ok_or_else(too_long)?;
        place.copy_from_slice(text.as_bytes());
        let length = u8::try_from(text.len()).map_err(|_| too_long())?;
        Ok(Self { bytes, length })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..usize::from(self.length))
            .and_then(|bytes| core::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }
}

impl core::fmt::Display for Label {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_text() {
        let longest = "x".repeat(LABEL_BYTES_MAX);
        for text in ["", "USDC", "Gage USDC Vault", "€", longest.as_str()] {
            assert_eq!(Label::new(text).unwrap().as_str(), text);
        }
        assert!(Label::new(&"x".repeat(LABEL_BYTES_MAX + 1)).is_err());
    }
}
