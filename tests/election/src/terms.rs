//! Terms, put together from what electors tell, and whether two were valid at once.

use crate::Nanos;

/// Something that an elector tells, or that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A term with this token has begun.
    Leads(u64, Nanos),
    /// It is valid until then, unless it is prolonged.
    Valid(u64, Nanos),
    /// Its work was told to stop, and does.
    Stopping(u64, Nanos),
    /// The process was dead by then.
    Died(Nanos),
}

impl Line {
    /// Reads a line of an elector's; nothing when it is half of one.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (word, token, at) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        match word {
            "leads" => Some(Self::Leads(token, at)),
            "valid" => Some(Self::Valid(token, at)),
            "stopping" => Some(Self::Stopping(token, at)),
            _ => None,
        }
    }
}

/// One term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Of whom.
    pub process: u32,
    /// Its token.
    pub token: u64,
    /// When its work began.
    pub began: Nanos,
    /// Until when it was valid, as far as it has told.
    pub until: Nanos,
    /// When its work was told to stop.
    pub stopping: Option<Nanos>,
}

/// All terms, in the order in which they were told.
#[derive(Clone, Debug, Default)]
pub struct Terms(Vec<Term>);

impl Terms {
    /// Takes in what a process has told.
    pub fn add(&mut self, process: u32, line: Line) {
        match line {
            Line::Leads(token, began) => self.0.push(Term {
                process,
                token,
                began,
                until: began,
                stopping: None,
            }),
            Line::Valid(token, until) => self.change(process, token, |term| term.until = until),
            Line::Stopping(token, at) => self.change(process, token, |term| term.stopping = Some(at)),
            Line::Died(at) => {
                for term in self.0.iter_mut().filter(|term| term.process == process) {
                    term.until = term.until.min(at);
                }
            }
        }
    }

    fn change(&mut self, process: u32, token: u64, change: impl FnOnce(&mut Term)) {
        let mut terms = self.0.iter_mut().rev();
        if let Some(term) = terms.find(|term| term.process == process && term.token == token) {
            change(term);
        }
    }

    /// The term with the highest token.
    #[must_use]
    pub fn last(&self) -> Option<Term> {
        self.0.iter().max_by_key(|term| term.token).copied()
    }

    /// The term with this token.
    #[must_use]
    pub fn get(&self, token: u64) -> Option<Term> {
        self.0.iter().find(|term| term.token == token).copied()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Two terms that were valid at once: of a later token, one that began before an earlier one's end. Work that was told to
    /// stop may still be valid, but nobody else is before it has ended and released.
    #[must_use]
    pub fn overlap(&self) -> Option<(Term, Term)> {
        let mut terms = self.0.clone();
        terms.sort_by_key(|term| term.token);
        let end = |term: &Term| term.stopping.map_or(term.until, |at| at.min(term.until));
        let pairs = terms.iter().enumerate().flat_map(|(index, earlier)| {
            let later = terms[index + 1..].iter();
            later.map(move |later| (*earlier, *later))
        });
        pairs
            .into_iter()
            .find(|(earlier, later)| later.token == earlier.token || later.began < end(earlier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(told: &[(u32, &str)]) -> Terms {
        let mut terms = Terms::default();
        told.iter()
            .for_each(|(process, line)| terms.add(*process, Line::parse(line).unwrap()));
        terms
    }

    #[test]
    fn terms_that_follow_each_other_do_not_overlap() {
        let mut told = terms(&[
            (1, "leads 5 100"),
            (1, "valid 5 200"),
            (1, "valid 5 300"),
            (2, "leads 9 300"),
            (2, "valid 9 900"),
            (2, "stopping 9 400"),
            (1, "leads 12 401"),
            (1, "valid 12 800"),
        ]);
        assert_eq!(told.overlap(), None);
        told.add(1, Line::Died(450));
        told.add(3, Line::Leads(20, 451));
        assert_eq!(told.overlap(), None, "a dead process believes nothing");
        assert_eq!(told.last().unwrap().process, 3);
    }

    #[test]
    fn one_that_begins_before_the_other_has_ended_does() {
        assert!(
            terms(&[(1, "leads 5 100"), (1, "valid 5 300"), (2, "leads 9 299")])
                .overlap()
                .is_some()
        );
        assert!(
            terms(&[(1, "leads 5 100"), (2, "leads 5 200")]).overlap().is_some(),
            "one token"
        );
        let backwards = [
            (1, "leads 9 100"),
            (1, "valid 9 200"),
            (2, "leads 5 50"),
            (2, "valid 5 150"),
        ];
        assert!(terms(&backwards).overlap().is_some(), "told in another order");
    }
}
