//! Splits a label selector into tokens. Every text has a tokenization; what makes no sense is for the parser to say.

/// One token with the text it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A key, a value, or one of the words `in` and `notin`: which it is depends on where it stands.
    Word(&'a str),
    /// `=`, `==`, `!=`, `!`, `<`, `>`, `(`, `)` or `,`.
    Symbol(&'a str),
    End,
}

impl<'a> Token<'a> {
    /// The token as written; empty at the end.
    pub(super) fn text(self) -> &'a str {
        match self {
            Self::Word(text) | Self::Symbol(text) => text,
            Self::End => "",
        }
    }
}

/// Reads tokens one by one, with one token of lookahead.
pub(super) struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// The next token, left in place.
    pub(super) fn peek(&self) -> Token<'a> {
        scan(self.rest).0
    }

    /// The next token. At the end there is no end of [`Token::End`].
    pub(super) fn next(&mut self) -> Token<'a> {
        let (token, rest) = scan(self.rest);
        self.rest = rest;
        token
    }
}

/// The first token of `text` and what follows it.
fn scan(text: &str) -> (Token<'_>, &str) {
    let text = text.trim_start_matches(is_space);
    if text.is_empty() {
        return (Token::End, text);
    }
    let symbol = symbol_len(text);
    if symbol > 0 {
        let (symbol, rest) = text.split_at(symbol);
        return (Token::Symbol(symbol), rest);
    }
    let end = text.find(|c| is_space(c) || is_symbol(c)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (Token::Word(word), rest)
}

/// How many bytes of symbol `text` starts with; the longest symbol wins.
fn symbol_len(text: &str) -> usize {
    if text.starts_with("==") || text.starts_with("!=") {
        2
    } else {
        usize::from(text.starts_with(is_symbol))
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_symbol(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '<' | '>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_symbol_wins_and_blanks_separate() {
        let mut lexer = Lexer::new("a===b !!= c\td<=in()");
        let mut got = Vec::new();
        while lexer.peek() != Token::End {
            got.push(lexer.next().text());
        }
        let want = ["a", "==", "=", "b", "!", "!=", "c", "d", "<", "=", "in", "(", ")"];
        assert_eq!(got, want);
        assert_eq!(lexer.next(), Token::End);
        assert_eq!(lexer.next(), Token::End);
    }
}
