//! From the text that somebody wrote to the text that Kubernetes prints.
//!
//! Kubernetes prints a quantity as it was written when that form is short and already in shape, and otherwise in
//! canonical form: no fraction, the largest unit that keeps the number whole, and the kind of unit that was written.
//! What is finer than a billionth is rounded away from zero, and what is written with a binary unit is at most 2^63−1.
//!
//! Two things differ: a multiple of `1000E` keeps its unit, where Kubernetes prints the number without any; and a text
//! without a digit, such as `-` or `.`, is refused, where Kubernetes reads zero.

use super::QuantityError;
use super::decimal::Decimal;

/// The smallest power of ten that a quantity can hold.
const NANO: i64 = -9;

/// The largest number with a binary unit.
const LARGEST_BINARY: u64 = i64::MAX as u64;

/// The kind of unit a quantity is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// `n u m k M G T P E` or none: the power of ten.
    Decimal(i64),
    /// `Ki Mi Gi Ti Pi Ei`: the power of two.
    Binary(u32),
    /// `e3`: the power of ten.
    Exponent(i64),
}

const DECIMAL_SUFFIXES: [(&str, i64); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

const BINARY_SUFFIXES: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

impl Unit {
    fn of(suffix: &str) -> Result<Self, QuantityError> {
        if let Some((_, power)) = DECIMAL_SUFFIXES.iter().find(|(text, _)| *text == suffix) {
            return Ok(Self::Decimal(*power));
        }
        if let Some((_, power)) = BINARY_SUFFIXES.iter().find(|(text, _)| *text == suffix) {
            return Ok(Self::Binary(*power));
        }
        let exponent = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::Suffix)?;
        let exponent: i32 = exponent.parse().map_err(|_| QuantityError::Suffix)?;
        Ok(Self::Exponent(exponent.into()))
    }
}

/// A quantity taken apart, its sign, number and unit each on their own.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    negative: bool,
    /// The digits before the point, without leading zeros.
    whole: &'a str,
    /// The digits after the point.
    fraction: &'a str,
    unit: Unit,
}

/// Splits after the ASCII digits at the start of a text.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at(end)
}

impl<'a> Parts<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self, QuantityError> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, rest) = split_digits(unsigned);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
        let empty = whole.is_empty() && fraction.is_empty();
        if empty || !looks_like_suffix(suffix) {
            return Err(QuantityError::Format);
        }
        Ok(Self {
            negative: text.starts_with('-'),
            whole: whole.trim_start_matches('0'),
            fraction,
            unit: Unit::of(suffix)?,
        })
    }

    /// The text rounded away from zero to thousandths; `None` where it is not finer than that.
    pub(super) fn round_up_to_milli(&self) -> Option<String> {
        const MILLI: i64 = -3;
        let mut value = self.value();
        let before = value.clone();
        value.round_up(MILLI);
        if value == before {
            return None;
        }
        let (digits, exponent) = value.by_thousands(0);
        let unit = match (exponent, self.unit) {
            (MILLI, Unit::Exponent(_)) => "e-3",
            (MILLI, _) => "m",
            _ => "",
        };
        Some(format!("{}{digits}{unit}", if self.negative { "-" } else { "" }))
    }

    /// The number without its sign, as precise as quantities can be.
    pub(super) fn value(&self) -> Decimal {
        let power = match self.unit {
            Unit::Decimal(power) | Unit::Exponent(power) => power,
            Unit::Binary(_) => 0,
        };
        let digits = self.whole.bytes().chain(self.fraction.bytes());
        let mut value = Decimal::new(digits, power - self.fraction.len() as i64);
        if let Unit::Binary(power) = self.unit {
            (0..power).for_each(|_| value.double());
        }
        value.round_up(NANO);
        if matches!(self.unit, Unit::Binary(_)) && value.exceeds(LARGEST_BINARY) {
            let digits = LARGEST_BINARY.to_string();
            return Decimal::new(digits.bytes(), 0);
        }
        value
    }

    /// What Kubernetes prints for this quantity, which was written as `text`.
    pub(super) fn canonical(&self, text: &str) -> String {
        if self.keeps_its_form() {
            return text.to_owned();
        }
        let value = self.value();
        if value.is_zero() {
            return "0".to_owned();
        }
        let sign = if self.negative { "-" } else { "" };
        let unsigned = match self.unit {
            Unit::Decimal(_) => decimal_form(value),
            Unit::Binary(_) => binary_form(value),
            Unit::Exponent(_) => exponent_form(value),
        };
        format!("{sign}{unsigned}")
    }

    /// Whether Kubernetes prints the quantity as it was written.
    fn keeps_its_form(&self) -> bool {
        match self.unit {
            Unit::Decimal(power) | Unit::Exponent(power) => {
                let scale = power - self.fraction.len() as i64;
                let digits = self.whole.len() + self.fraction.len();
                let thousands = format!("{}{}", self.whole, self.fraction).ends_with("000");
                !self.whole.is_empty() && digits <= 18 && scale >= NANO && scale % 3 == 0 && !thousands
            }
            Unit::Binary(power) => {
                let short = self.whole.len() + (power as usize * 3) / 10 <= 14;
                let number: u64 = self.whole.parse().unwrap_or(0);
                self.fraction.is_empty() && short && !number.is_multiple_of(8)
            }
        }
    }
}

/// Whether a text is letters of units, perhaps a sign, perhaps digits, and nothing else.
fn looks_like_suffix(suffix: &str) -> bool {
    let rest = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    rest.bytes().all(|byte| byte.is_ascii_digit())
}

fn decimal_form(value: Decimal) -> String {
    let (digits, power) = value.by_thousands(18);
    let suffix = DECIMAL_SUFFIXES.iter().find(|(_, p)| *p == power);
    format!("{digits}{}", suffix.map_or("", |(text, _)| text))
}

fn exponent_form(value: Decimal) -> String {
    match value.by_thousands(i64::MAX) {
        (digits, 0) => digits,
        (digits, power) => format!("{digits}e{power}"),
    }
}

fn binary_form(value: Decimal) -> String {
    let Some(mut number) = value.whole().filter(|n| *n >= 1024 && value.is_integer()) else {
        return decimal_form(value);
    };
    let mut suffix = "";
    for (text, _) in BINARY_SUFFIXES {
        if number % 1024 != 0 {
            break;
        }
        number /= 1024;
        suffix = text;
    }
    format!("{number}{suffix}")
}
