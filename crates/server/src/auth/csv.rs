//! Comma-separated values as Kubernetes reads them in a token file.
//!
//! Our own few lines rather than a crate: the common ones take a quote that never ends, or stands in the middle of a
//! field, as text, and so would quietly swallow the users that follow. Here that is an error with its line.

/// One record and the line it begins on, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) line: usize,
    pub(super) fields: Vec<String>,
}

/// What is wrong, and on which line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CsvError {
    pub(super) line: usize,
    pub(super) what: &'static str,
}

/// All records; empty lines are passed over. A field is either without any quote or wholly in quotes, within which a
/// quote is doubled and a line may end. There are no comments.
pub(super) fn records(text: &str) -> Result<Vec<Record>, CsvError> {
    let mut reader = Reader { rest: text, line: 1 };
    let mut records = Vec::new();
    while !reader.rest.is_empty() {
        if reader.end_of_line() {
            continue;
        }
        let line = reader.line;
        let fields = reader.fields()?;
        records.push(Record { line, fields });
    }
    Ok(records)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn skip(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Steps over the end of a line, if it is here.
    fn end_of_line(&mut self) -> bool {
        let ended = self.skip("\n") || self.skip("\r\n");
        self.line += usize::from(ended);
        ended
    }

    fn fields(&mut self) -> Result<Vec<String>, CsvError> {
        let mut fields = Vec::new();
        loop {
            fields.push(if self.skip("\"") { self.quoted()? } else { self.bare()? });
            if self.skip(",") {
                continue;
            }
            if self.end_of_line() || self.rest.is_empty() {
                return Ok(fields);
            }
            return Err(self.error("text after the closing quote of a field"));
        }
    }

    fn bare(&mut self) -> Result<String, CsvError> {
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let mut field = &self.rest[..end];
        if self.rest[end..].starts_with('\n') {
            field = field.strip_suffix('\r').unwrap_or(field);
        }
        if field.contains('"') {
            return Err(self.error("a quote within a field that does not begin with one"));
        }
        self.rest = &self.rest[field.len()..];
        Ok(field.to_owned())
    }

    fn quoted(&mut self) -> Result<String, CsvError> {
        let opened = self.line;
        let mut field = String::new();
        loop {
            let Some(end) = self.rest.find('"') else {
                return Err(CsvError {
                    line: opened,
                    what: "a quote that is never closed",
                });
            };
            let part = &self.rest[..end];
            self.line += part.matches('\n').count();
            field.push_str(part);
            self.rest = &self.rest[end + 1..];
            if !self.skip("\"") {
                return Ok(field);
            }
            field.push('"');
        }
    }

    fn error(&self, what: &'static str) -> CsvError {
        CsvError { line: self.line, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<Vec<String>> {
        records(text).unwrap().into_iter().map(|record| record.fields).collect()
    }

    #[test]
    fn reads_what_kubernetes_reads() {
        let cases: &[(&str, &[&[&str]])] = &[
            ("", &[]),
            ("\n\r\n\n", &[]),
            ("a,b,c", &[&["a", "b", "c"]]),
            ("a,b,c\r\nd,e,f\n", &[&["a", "b", "c"], &["d", "e", "f"]]),
            ("a,,\n", &[&["a", "", ""]]),
            ("t,u,1,\"g1,g2\"\n", &[&["t", "u", "1", "g1,g2"]]),
            ("\"say \"\"hi\"\"\",u,1", &[&["say \"hi\"", "u", "1"]]),
            ("\"two\nlines\",u,1", &[&["two\nlines", "u", "1"]]),
            (" a, b,c ", &[&[" a", " b", "c "]]),
            ("# no,comments,here", &[&["# no", "comments", "here"]]),
            ("a,\"\",c", &[&["a", "", "c"]]),
            ("a\r,b,c\r\n", &[&["a\r", "b", "c"]]),
        ];
        for (text, expected) in cases {
            assert_eq!(fields(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn a_stray_quote_is_an_error_with_its_line() {
        let cases = [
            ("a,b,c\na\"b,c,d", 2),
            ("a,b,c\n\nx,\"y,z\nq,r,s\n", 3),
            ("\"a\"b,c,d", 1),
            ("\"a\nb\",c,d\ne,f,\"g\" \n", 3),
        ];
        for (text, line) in cases {
            assert_eq!(records(text).unwrap_err().line, line, "{text:?}");
        }
    }

    #[test]
    fn a_record_knows_the_line_it_begins_on() {
        let lines: Vec<_> = records("\na,\"b\nb\",c\nd,e,f\n")
            .unwrap()
            .iter()
            .map(|record| record.line)
            .collect();
        assert_eq!(lines, [2, 4]);
    }
}
