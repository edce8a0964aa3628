//! Exact decimal numbers of any length, with the few operations that quantities need.

/// `digits × 10^exponent`, never negative. No digits means zero; the first digit is never zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    /// Values 0 to 9, most significant first.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// The number whose ASCII digits these are, times a power of ten.
    pub(super) fn new(ascii_digits: impl Iterator<Item = u8>, exponent: i64) -> Self {
        let digits = ascii_digits
            .map(|digit| digit - b'0')
            .skip_while(|digit| *digit == 0)
            .collect();
        Self { digits, exponent }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    pub(super) fn is_integer(&self) -> bool {
        let Ok(fraction) = usize::try_from(-self.exponent) else {
            return true;
        };
        let whole = self.digits.len().saturating_sub(fraction);
        self.digits[whole..].iter().all(|digit| *digit == 0)
    }

    /// The number without its fraction, when that fits.
    pub(super) fn whole(&self) -> Option<u64> {
        let fraction = usize::try_from(-self.exponent).unwrap_or(0);
        let digits = &self.digits[..self.digits.len().saturating_sub(fraction)];
        let whole = digits
            .iter()
            .try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(*digit)))?;
        match u32::try_from(self.exponent.max(0)) {
            _ if whole == 0 => Some(0),
            Ok(zeros) => whole.checked_mul(10u64.checked_pow(zeros)?),
            Err(_) => None,
        }
    }

    /// Whether the number is above this one.
    pub(super) fn exceeds(&self, max: u64) -> bool {
        let whole = self.whole();
        whole.is_none_or(|whole| whole > max || (whole == max && !self.is_integer()))
    }

    pub(super) fn double(&mut self) {
        let mut carry = 0;
        for digit in self.digits.iter_mut().rev() {
            let doubled = *digit * 2 + carry;
            *digit = doubled % 10;
            carry = doubled / 10;
        }
        if carry > 0 {
            self.digits.insert(0, carry);
        }
    }

    /// Rounds away from zero to a multiple of `10^power`.
    pub(super) fn round_up(&mut self, power: i64) {
        if self.is_zero() || self.exponent >= power {
            return;
        }
        let dropped = usize::try_from(power - self.exponent).unwrap_or(usize::MAX);
        let kept = self.digits.len().saturating_sub(dropped);
        let rest = self.digits.split_off(kept);
        self.exponent = power;
        if rest.iter().any(|digit| *digit != 0) {
            self.increment();
        }
    }

    fn increment(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < 9 {
                *digit += 1;
                return;
            }
            *digit = 0;
        }
        self.digits.insert(0, 1);
    }

    fn strip_zeros(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent += 1;
        }
    }

    /// The digits as a text, with the largest exponent up to `max` that is a multiple of three.
    pub(super) fn by_thousands(mut self, max: i64) -> (String, i64) {
        self.strip_zeros();
        while self.exponent % 3 != 0 || self.exponent > max {
            self.digits.push(0);
            self.exponent -= 1;
        }
        let text = self.digits.iter().map(|digit| char::from(b'0' + digit));
        (text.collect(), self.exponent)
    }
}
