//! The positional arguments of a request.
//!
//! A method's arguments are a tuple. Trailing ones that are `Option`s may be left out or `null`;
//! more than the tuple holds are refused, because a caller who sends them expects something of
//! them.

use alloy_primitives::U256;
use jsonrpsee::types::Params;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// Why a request's arguments are refused. Positions start at 0.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    #[error("non-array args: parameters are given by position")]
    NotAnArray,
    #[error("malformed parameters: {0}")]
    Malformed(serde_json::Error),
    #[error("missing value for required argument {0}")]
    Missing(usize),
    #[error("invalid argument {position}: {}", in_terms_of_json(.reason))]
    Invalid { position: usize, reason: serde_json::Error },
    #[error("too many arguments, want at most {most}")]
    TooMany { most: usize },
}

/// What is wrong with a value, without the names that the libraries' types have in Rust.
fn in_terms_of_json(reason: &serde_json::Error) -> String {
    let reason = reason.to_string();
    match reason.split_once("data did not match any variant of untagged enum ") {
        Some((_, "JsonStorageKey")) => {
            "expected a storage slot, 32 bytes or fewer as 0x hex".into()
        }
        Some((_, "Variadic")) => "expected one value or an array of them: 20 bytes as 0x hex for \
                                  an address, 32 bytes or null for a topic"
            .into(),
        Some(_) => "it has none of the forms that are known here".into(),
        None => {
            let mut words = reason.split(' ');
            let mut told = Vec::new();
            while let Some(word) = words.next() {
                match word {
                    "struct" | "enum" => {
                        words.next();
                        told.push(if word == "struct" { "an object" } else { "a name" });
                    }
                    "tuple" => {}
                    word => told.push(word),
                }
            }
            told.join(" ")
        }
    }
}

/// A tuple that the arguments of a request are read into.
pub(crate) trait Arguments: Sized + Send + 'static {
    fn of(values: Vec<Value>) -> Result<Self, ArgumentError>;
}

/// Reads the arguments of a request.
pub(crate) fn read<A: Arguments>(params: &Params<'_>) -> Result<A, ArgumentError> {
    if params.is_object() {
        return Err(ArgumentError::NotAnArray);
    }
    let text = params.as_str().unwrap_or("null");
    let values: Option<Vec<Value>> =
        serde_json::from_str(text).map_err(ArgumentError::Malformed)?;
    A::of(values.unwrap_or_default())
}

/// The values of one request, taken in order.
struct Sequence {
    values: std::vec::IntoIter<Value>,
    position: usize,
}

impl Sequence {
    fn new(values: Vec<Value>, most: usize) -> Result<Self, ArgumentError> {
        if values.len() > most {
            return Err(ArgumentError::TooMany { most });
        }
        Ok(Self { values: values.into_iter(), position: 0 })
    }

    fn next<T: DeserializeOwned>(&mut self) -> Result<T, ArgumentError> {
        let position = self.position;
        self.position += 1;
        let value = self.values.next().unwrap_or_default();
        let is_missing = value.is_null();
        serde_json::from_value(value).map_err(|reason| {
            if is_missing {
                ArgumentError::Missing(position)
            } else {
                ArgumentError::Invalid { position, reason }
            }
        })
    }
}

macro_rules! tuple {
    ($most:literal: $($name:ident),*) => {
        impl<$($name: DeserializeOwned + Send + 'static),*> Arguments for ($($name,)*) {
            fn of(values: Vec<Value>) -> Result<Self, ArgumentError> {
                let mut sequence = Sequence::new(values, $most)?;
                Ok(($(sequence.next::<$name>()?,)*))
            }
        }
    };
}

impl Arguments for () {
    fn of(values: Vec<Value>) -> Result<Self, ArgumentError> {
        Sequence::new(values, 0).map(drop)
    }
}

tuple!(1: A);
tuple!(2: A, B);
tuple!(3: A, B, C);
tuple!(4: A, B, C, D);

/// A number as any client sends it: a JSON number, `0x` hex, or decimal digits in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number<T>(pub(crate) T);

impl<'de, T: TryFrom<U256>> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let number = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_u64().map(U256::from),
            Value::String(text) => match text.strip_prefix("0x") {
                Some("") => None,
                Some(digits) => U256::from_str_radix(digits, 16).ok(),
                None if text.is_empty() => None,
                None => U256::from_str_radix(&text, 10).ok(),
            },
            _ => None,
        };
        let number = number.and_then(|number| T::try_from(number).ok()).map(Self);
        number.ok_or_else(|| {
            let bits = 8 * size_of::<T>();
            D::Error::custom(format_args!("not a whole number below 2^{bits}, decimal or 0x hex"))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal<A: Arguments + std::fmt::Debug>(params: &str) -> String {
        read::<A>(&Params::new(Some(params))).expect_err("refused").to_string()
    }

    #[test]
    fn what_is_wrong_is_said_by_position() {
        assert_eq!(refusal::<(bool,)>("[]"), "missing value for required argument 0");
        assert_eq!(refusal::<(bool,)>("[true, 1]"), "too many arguments, want at most 1");
        assert_eq!(
            refusal::<(bool,)>(r#"{"a": 1}"#),
            "non-array args: parameters are given by position"
        );
        assert!(refusal::<(bool, bool)>("[true, 7]").starts_with("invalid argument 1: "));
        assert!(refusal::<(bool,)>("7").starts_with("malformed parameters: "));
    }

    #[test]
    fn trailing_options_may_be_left_out() {
        type Two = (bool, Option<bool>);
        for params in ["[true]", "[true, null]"] {
            assert_eq!(read::<Two>(&Params::new(Some(params))).unwrap(), (true, None));
        }
        assert!(read::<()>(&Params::new(None)).is_ok());
        assert!(read::<()>(&Params::new(Some("[]"))).is_ok());
    }

    #[test]
    fn numbers_come_in_three_forms() {
        for form in [json!(255), json!("0xff"), json!("255")] {
            assert_eq!(serde_json::from_value::<Number<u8>>(form).unwrap(), Number(255));
        }
        for form in [json!(256), json!("0x"), json!(""), json!("0xzz"), json!(-1), json!(1.5)] {
            assert!(serde_json::from_value::<Number<u8>>(form.clone()).is_err(), "{form}");
        }
    }
}
