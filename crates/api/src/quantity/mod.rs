//! [`Quantity`]: a number with a unit, such as `100m` or `16Gi`.
//!
//! It is kept as the text that Kubernetes would print for it, because nothing here computes with quantities: nodes
//! report them, and they are shown and stored. [`parse`] finds that text, [`decimal`] does the arithmetic for it.

mod decimal;
mod parse;

use std::fmt;
use std::str::FromStr;

use prost::DecodeError;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, skip_field, string};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use parse::Parts;

/// Why a text is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// It is not a number followed by a unit.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// The unit is unknown, or its exponent out of range.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// A number with a unit, as Kubernetes prints it. The default is `0`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Quantity(String);

impl Quantity {
    /// The text that Kubernetes prints for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }

    /// The same, rounded away from zero to whole thousandths.
    #[must_use]
    pub fn round_up_to_milli(&self) -> Self {
        let rounded = Parts::of(&self.0).ok().and_then(|parts| parts.round_up_to_milli());
        rounded.map_or_else(|| self.clone(), Self)
    }

    /// Whether it is a whole number.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        Parts::of(&self.0).is_ok_and(|parts| parts.value().is_integer())
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        Parts::of(text).map(|parts| Self(parts.canonical(text)))
    }
}

impl Default for Quantity {
    fn default() -> Self {
        Self("0".to_owned())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quantity({})", self.0)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

/// Reads a text or a number; `null` is zero.
struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity: a text or a number")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quantity, E> {
        text.trim().parse().map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Quantity, E> {
        Ok(Quantity::default())
    }
}

/// `{string = 1}`, always written. By hand, because a text that is no quantity must not be decoded.
impl prost::Message for Quantity {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        string::encode(1, &self.0, buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        if tag != 1 {
            return skip_field(wire_type, tag, buf, ctx);
        }
        let mut text = String::new();
        string::merge(wire_type, &mut text, buf, ctx)?;
        *self = text.parse().map_err(|error: QuantityError| {
            let mut error = refused(error);
            error.push("Quantity", "string");
            error
        })?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        string::encoded_len(1, &self.0)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[expect(deprecated, reason = "prost offers no other way for a message to refuse a value")]
fn refused(error: QuantityError) -> DecodeError {
    DecodeError::new(error.to_string())
}

#[cfg(test)]
mod tests;
