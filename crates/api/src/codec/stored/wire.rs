//! Protobuf's wire format, read in place: which field, and its bytes.

/// Bytes that are no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is stored is no protobuf message")]
pub(in crate::codec) struct Malformed;

/// The value of a field, as far as the wire tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire<'a> {
    /// Numbers and booleans.
    Varint(u64),
    /// Texts, messages, and everything else that has a length.
    Bytes(&'a [u8]),
    /// A number of fixed size: none of our types has one.
    Fixed,
}

/// A field of a message and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    pub(super) value: Wire<'a>,
    /// Where it starts in the message.
    pub(super) start: usize,
    /// Where the next one starts.
    pub(super) end: usize,
}

/// The fields of one number: the items of a list, or a value alone.
pub(super) struct Run<'a> {
    /// The last of them, which counts where there can be but one.
    pub(super) last: Field<'a>,
    pub(super) count: usize,
    /// From the first of them to the last.
    bytes: &'a [u8],
}

impl<'a> Run<'a> {
    /// Those of this number in a message, with whatever stands between them.
    pub(super) fn of(number: u32, message: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let mut run: Option<Self> = None;
        let mut fields = Fields::of(message);
        let mut first = 0;
        while let Some(field) = fields.next()? {
            if field.number == number {
                let count = run.map_or(0, |run| run.count);
                if count == 0 {
                    first = field.start;
                }
                run = Some(Self {
                    last: field,
                    count: count + 1,
                    bytes: &message[first..field.end],
                });
            }
        }
        Ok(run)
    }

    /// Each of them.
    pub(super) fn items(&self) -> Items<'a> {
        Items {
            number: self.last.number,
            fields: Fields::of(self.bytes),
        }
    }
}

/// The fields of one number among others.
pub(super) struct Items<'a> {
    number: u32,
    fields: Fields<'a>,
}

impl<'a> Items<'a> {
    /// The next of them, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Malformed> {
        while let Some(field) = self.fields.next()? {
            if field.number == self.number {
                return Ok(Some(field));
            }
        }
        Ok(None)
    }
}

/// The fields of a message, in the order in which they stand there.
pub(super) struct Fields<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    /// The next field, if there is one. In line, since a field is four words and more: handed over in memory, they cost
    /// more than reading them did.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Malformed> {
        let start = self.at;
        if start >= self.message.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Wire::Bytes(self.take(len)?)
            }
            1 => self.take(8).map(|_| Wire::Fixed)?,
            5 => self.take(4).map(|_| Wire::Fixed)?,
            _ => return Err(Malformed),
        };
        let number = u32::try_from(key >> 3).map_err(|_| Malformed)?;
        Ok(Some(Field {
            number,
            value,
            start,
            end: self.at,
        }))
    }

    /// The next field and those of its number that follow it.
    #[inline(always)]
    pub(super) fn next_run(&mut self) -> Result<Option<Run<'a>>, Malformed> {
        let start = self.at;
        let Some(mut last) = self.next()? else {
            return Ok(None);
        };
        let mut count = 1;
        // Most are alone, and what follows begins with another byte.
        while self.message.get(self.at) == self.message.get(start) {
            match self.next()? {
                Some(field) if field.number == last.number => (last, count) = (field, count + 1),
                other => {
                    self.at = other.map_or(self.at, |field| field.start);
                    break;
                }
            }
        }
        let bytes = &self.message[start..self.at];
        Ok(Some(Run { last, count, bytes }))
    }

    #[inline(always)]
    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(len).ok_or(Malformed)?;
        let taken = self.message.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(taken)
    }

    #[inline(always)]
    fn varint(&mut self) -> Result<u64, Malformed> {
        // Most are of one byte.
        if let Some(byte) = self.message.get(self.at).filter(|byte| **byte < 0x80) {
            self.at += 1;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.message.get(self.at).ok_or(Malformed)?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }
}
