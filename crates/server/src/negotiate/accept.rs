//! The `Accept` header.

use std::cmp::Reverse;

/// One media range that the client accepts, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clause<'a> {
    /// Such as `application`, or `*`.
    pub r#type: &'a str,
    /// Such as `json`, or `*`.
    pub subtype: &'a str,
    /// Thousandths of preference, 0 to 1000.
    quality: u16,
    parameters: &'a str,
}

impl<'a> Clause<'a> {
    /// The value of a parameter; `q` is none. Of repeated ones the last counts.
    #[must_use]
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        parameters(self.parameters)
            .filter(|(key, _)| *key == name)
            .last()
            .map(|(_, value)| value)
    }

    /// Whether it covers this media type, given without parameters.
    #[must_use]
    pub(crate) fn covers(&self, media_type: &str) -> bool {
        let Some((r#type, subtype)) = media_type.split_once('/') else {
            return false;
        };
        match (self.r#type, self.subtype) {
            ("*", "*") => true,
            (mine, "*") => mine == r#type,
            (mine, my_subtype) => mine == r#type && my_subtype == subtype,
        }
    }

    /// Reads one element of the header; `None` for what is no media range.
    fn parse(element: &'a str) -> Option<Self> {
        let (range, rest) = element.split_once(';').unwrap_or((element, ""));
        let (r#type, subtype) = match range.trim().split_once('/') {
            Some((r#type, subtype)) if !subtype.contains('/') => (r#type.trim(), subtype.trim()),
            None if range.trim() == "*" => ("*", "*"),
            _ => return None,
        };
        let quality = parameters(rest)
            .filter(|(key, _)| *key == "q")
            .last()
            .map_or(1000, |(_, text)| quality(text));
        Some(Self {
            r#type,
            subtype,
            quality,
            parameters: rest,
        })
    }
}

fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (!value.is_empty() && !value.contains('=')).then(|| (key.trim(), value.trim()))
    })
}

/// What cannot be read counts as 0, as in Go.
fn quality(text: &str) -> u16 {
    let quality = text.trim().parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0);
    (quality * 1000.0) as u16
}

/// An `Accept` header, its clauses in order of preference: by `q`, then the more specific first, then as sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Accept<'a> {
    /// Whether the header was there and said something.
    given: bool,
    clauses: Vec<Clause<'a>>,
}

impl<'a> Accept<'a> {
    /// Reads the header's value; an empty one accepts everything.
    #[must_use]
    pub(crate) fn parse(header: &'a str) -> Self {
        let mut clauses: Vec<_> = header.split(',').filter_map(Clause::parse).collect();
        clauses.sort_by_key(|clause| (Reverse(clause.quality), clause.r#type == "*", clause.subtype == "*"));
        Self {
            given: !header.is_empty(),
            clauses,
        }
    }

    /// The first clause that covers one of `offers`, best first, for which `fits` finds an answer.
    pub(crate) fn choose<O: Copy, A>(
        &self,
        offers: &[(O, &str)],
        fits: impl Fn(&Clause<'a>, O) -> Option<A>,
    ) -> Option<A> {
        let anything = [Clause {
            r#type: "*",
            subtype: "*",
            quality: 1000,
            parameters: "",
        }];
        let clauses = if self.given { &self.clauses[..] } else { &anything[..] };
        clauses.iter().find_map(|clause| {
            let mut covered = offers.iter().filter(|(_, media_type)| clause.covers(media_type));
            covered.find_map(|(offer, _)| fits(clause, *offer))
        })
    }

    /// Whether some clause, its parameters aside, is one of these types word for word, or `*/*`.
    pub(super) fn names_one_of(&self, media_types: &[&str]) -> bool {
        !self.given
            || self.clauses.iter().any(|clause| match (clause.r#type, clause.subtype) {
                ("*", "*") => true,
                (_, "*") => false,
                _ => media_types.iter().any(|media_type| clause.covers(media_type)),
            })
    }
}
