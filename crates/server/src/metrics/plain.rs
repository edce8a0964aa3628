//! The page in Prometheus' plain text form, made from OpenMetrics' text, which the metrics library writes.
//!
//! They differ in little: in the plain form a counter's comments name what is counted, `…_total` and all, where
//! OpenMetrics names the family; and there are no units and no end mark.

/// The media type of the plain form.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Rewrites a page.
pub(super) fn from_open_metrics(page: &str) -> String {
    let mut plain = String::with_capacity(page.len());
    let mut help = None;
    for line in page.lines() {
        match comment(line) {
            None => push(&mut plain, &[line]),
            Some(("HELP", _, _)) => help = Some(line),
            Some(("TYPE", name, kind)) => {
                let suffix = if kind == "counter" { "_total" } else { "" };
                if let Some((_, name, text)) = help.take().and_then(comment) {
                    push(&mut plain, &["# HELP ", name, suffix, " ", text]);
                }
                push(&mut plain, &["# TYPE ", name, suffix, " ", kind]);
            }
            Some(_) => {}
        }
    }
    plain
}

/// The keyword, name and rest of a comment; the end mark has only the first.
fn comment(line: &str) -> Option<(&str, &str, &str)> {
    let mut words = line.strip_prefix("# ")?.splitn(3, ' ');
    Some((words.next()?, words.next().unwrap_or(""), words.next().unwrap_or("")))
}

fn push(page: &mut String, parts: &[&str]) {
    page.extend(parts.iter().copied().chain(["\n"]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_named_in_full_and_the_rest_stays() {
        let open = "# HELP requests Requests, all of them.\n# TYPE requests counter\nrequests_total{code=\"200\"} 3\n\
                    # HELP size Bytes.\n# TYPE size gauge\n# UNIT size bytes\nsize 1\n# EOF\n";
        let plain = "# HELP requests_total Requests, all of them.\n# TYPE requests_total counter\n\
                     requests_total{code=\"200\"} 3\n# HELP size Bytes.\n# TYPE size gauge\nsize 1\n";
        assert_eq!(from_open_metrics(open), plain);
    }
}
