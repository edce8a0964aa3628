//! Reads requirements off the tokens of a label selector.
//!
//! What is accepted, and the text of each refusal, follow `apimachinery/pkg/labels`.

use super::lexer::{Lexer, Token};
use super::{Requirement, Test};
use crate::selector::SelectorError;
use crate::selector::label_rules::{key_problems, value_problems};
use crate::validation::{FieldError, Path};

const OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

type Result<T, E = String> = std::result::Result<T, E>;

/// The requirements in the order written.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    requirements(&mut Lexer::new(text)).map_err(SelectorError)
}

fn requirements(lexer: &mut Lexer<'_>) -> Result<Vec<Requirement>> {
    let mut found = Vec::new();
    match lexer.peek() {
        Token::End => return Ok(found),
        token if starts_requirement(token) => {}
        token => {
            return Err(unexpected(token, ", expected: !, identifier, or 'end of string'"));
        }
    }
    loop {
        let next = requirement(lexer).map_err(|e| format!("unable to parse requirement: {e}"))?;
        found.push(next);
        match lexer.next() {
            Token::End => return Ok(found),
            Token::Symbol(",") if starts_requirement(lexer.peek()) => {}
            Token::Symbol(",") => {
                return Err(unexpected(lexer.peek(), ", expected: identifier after ','"));
            }
            token => return Err(unexpected(token, ", expected: ',' or 'end of string'")),
        }
    }
}

fn starts_requirement(token: Token<'_>) -> bool {
    matches!(token, Token::Word(_) | Token::Symbol("!"))
}

fn requirement(lexer: &mut Lexer<'_>) -> Result<Requirement> {
    let negated = lexer.peek() == Token::Symbol("!");
    if negated {
        lexer.next();
    }
    let key = key(lexer.next())?;
    let test = if negated {
        Test::DoesNotExist
    } else if matches!(lexer.peek(), Token::End | Token::Symbol(",")) {
        Test::Exists
    } else {
        test(lexer, &key)?
    };
    Ok(Requirement { key, test })
}

fn key(token: Token<'_>) -> Result<String> {
    let Token::Word(key) = token else {
        return Err(unexpected(token, ", expected: identifier"));
    };
    let problems = key_problems(key);
    if problems.is_empty() {
        return Ok(key.to_owned());
    }
    // Kubernetes has no path to show here and shows Go's; users search for this text.
    let path = Path::new("<nil>");
    Err(FieldError::invalid(&path, key, &problems.join("; ")).to_string())
}

fn test(lexer: &mut Lexer<'_>, key: &str) -> Result<Test> {
    let operator = lexer.next();
    match operator {
        Token::Word("in") => values(lexer, key).map(Test::In),
        Token::Word("notin") => values(lexer, key).map(Test::NotIn),
        Token::Symbol("=" | "==") => value(lexer, key).map(|v| Test::In(vec![v])),
        Token::Symbol("!=") => value(lexer, key).map(|v| Test::NotIn(vec![v])),
        Token::Symbol(">") => number(lexer, key).map(Test::GreaterThan),
        Token::Symbol("<") => number(lexer, key).map(Test::LessThan),
        other => Err(unexpected(other, &format!(", expected: {OPERATORS}"))),
    }
}

/// One value; nothing at all is the empty value.
fn exact(lexer: &mut Lexer<'_>) -> Result<String> {
    if matches!(lexer.peek(), Token::End | Token::Symbol(",")) {
        return Ok(String::new());
    }
    match lexer.next() {
        Token::Word(value) => Ok(value.to_owned()),
        token => Err(unexpected(token, ", expected: identifier")),
    }
}

fn value(lexer: &mut Lexer<'_>, key: &str) -> Result<String> {
    let value = exact(lexer)?;
    refuse(value_errors(0, key, &value))?;
    Ok(value)
}

fn number(lexer: &mut Lexer<'_>, key: &str) -> Result<i64> {
    let text = exact(lexer)?;
    let broken = value_errors(0, key, &text);
    let Ok(number) = text.parse() else {
        let path = Path::new("values");
        let rule = "for 'Gt', 'Lt' operators, the value must be an integer";
        let error = FieldError::invalid(&path.index(0), &text, rule);
        return Err(told(std::iter::once(error).chain(broken)));
    };
    refuse(broken).map(|()| number)
}

/// `(a,b)`, sorted and without duplicates. Where a value is missing, as in `()` and `(a,)`, it is the empty one.
fn values(lexer: &mut Lexer<'_>, key: &str) -> Result<Vec<String>> {
    match lexer.next() {
        Token::Symbol("(") => {}
        token => return Err(unexpected(token, " expected: '('")),
    }
    let mut values = listed(lexer)?;
    values.sort_unstable();
    values.dedup();
    let each = values.iter().enumerate();
    refuse(each.flat_map(|(i, v)| value_errors(i, key, v)))?;
    Ok(values.into_iter().map(str::to_owned).collect())
}

fn listed<'a>(lexer: &mut Lexer<'a>) -> Result<Vec<&'a str>> {
    if !matches!(lexer.peek(), Token::Word(_) | Token::Symbol("," | ")")) {
        return Err(unexpected(lexer.peek(), ", expected: ',', ')' or identifier"));
    }
    let mut values = Vec::new();
    loop {
        match lexer.peek() {
            Token::Word(value) => {
                lexer.next();
                values.push(value);
            }
            Token::Symbol("," | ")") => values.push(""),
            token => return Err(unexpected(token, ", expected: ',', or identifier")),
        }
        match lexer.next() {
            Token::Symbol(")") => return Ok(values),
            Token::Symbol(",") => {}
            token => return Err(unexpected(token, ", expected: ',' or ')'")),
        }
    }
}

fn value_errors(index: usize, key: &str, value: &str) -> Option<FieldError> {
    let problems = value_problems(value);
    let path = Path::new("values");
    let path = path.index(index);
    (!problems.is_empty()).then(|| FieldError::invalid(&path.key(key), value, &problems.join("; ")))
}

fn refuse(errors: impl IntoIterator<Item = FieldError>) -> Result<()> {
    let mut errors = errors.into_iter().peekable();
    if errors.peek().is_none() {
        return Ok(());
    }
    Err(told(errors))
}

/// Several errors in one text.
fn told(errors: impl Iterator<Item = FieldError>) -> String {
    let texts: Vec<_> = errors.map(|e| e.to_string()).collect();
    match texts.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

fn unexpected(token: Token<'_>, expected: &str) -> String {
    format!("found '{}'{expected}", token.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_read_as_those_of_kubernetes() {
        let cases = [
            (
                "a in (",
                "unable to parse requirement: found '', expected: ',', ')' or identifier",
            ),
            ("=x", "found '=', expected: !, identifier, or 'end of string'"),
            (",a", "found ',', expected: !, identifier, or 'end of string'"),
            ("a=b=c", "found '=', expected: ',' or 'end of string'"),
            ("!a=b", "found '=', expected: ',' or 'end of string'"),
            ("a=b,", "found '', expected: identifier after ','"),
            ("a=b,,c", "found ',', expected: identifier after ','"),
            (
                "bad key!=1",
                "unable to parse requirement: found 'key', expected: in, notin, =, ==, !=, gt, lt",
            ),
            ("a in x", "unable to parse requirement: found 'x' expected: '('"),
            ("a in (x", "unable to parse requirement: found '', expected: ',' or ')'"),
            (
                "a in (x y)",
                "unable to parse requirement: found 'y', expected: ',' or ')'",
            ),
            (
                "a in (x,=)",
                "unable to parse requirement: found '=', expected: ',', or identifier",
            ),
            (
                "a in (=)",
                "unable to parse requirement: found '=', expected: ',', ')' or identifier",
            ),
            ("a=(", "unable to parse requirement: found '(', expected: identifier"),
            ("!", "unable to parse requirement: found '', expected: identifier"),
            ("!!a", "unable to parse requirement: found '!', expected: identifier"),
            (
                "a>x",
                "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
            (
                "a<",
                "unable to parse requirement: values[0]: Invalid value: \"\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text).unwrap_err().to_string(), want, "{text}");
        }
    }

    #[test]
    fn bad_keys_and_values_are_named() {
        let cases = [
            (
                "-a=b",
                "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of",
            ),
            (
                "a=-",
                "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label must be",
            ),
            (
                "a in (ok,-)",
                "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label must be",
            ),
            (
                "a in (-,_)",
                "unable to parse requirement: [values[0][a]: Invalid value: \"-\": a valid label must be",
            ),
            (
                "a>-1",
                "unable to parse requirement: values[0][a]: Invalid value: \"-1\": a valid label must be",
            ),
        ];
        for (text, want) in cases {
            let got = parse(text).unwrap_err().to_string();
            assert!(got.starts_with(want), "{text}: {got}");
        }
    }
}
