//! The `Accept` header, as far as choosing among ready documents takes it.

/// One media range of an `Accept` header.
#[derive(Debug, PartialEq)]
pub(super) struct Range<'a> {
    /// `application/json`, `application/*` or `*/*`.
    pub(super) essence: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

/// The ranges of a header, the most wanted first; those with `q=0` are left out. No header at all means anything.
pub(super) fn ranges(header: Option<&str>) -> Vec<Range<'_>> {
    let header = header
        .map(str::trim)
        .filter(|header| !header.is_empty())
        .unwrap_or("*/*");
    let mut ranges: Vec<_> = header
        .split(',')
        .map(Range::parse)
        .filter(|range| range.quality > 0.0)
        .collect();
    // Stable: what the client wants as much stays in the order in which it says so, and wildcards come last.
    ranges.sort_by(|a, b| b.quality.total_cmp(&a.quality).then(a.wildness().cmp(&b.wildness())));
    ranges
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let mut parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let quality = parameters.iter().find(|(name, _)| *name == "q");
        let quality = quality.map_or(1.0, |(_, value)| value.parse().unwrap_or(1.0));
        parameters.retain(|(name, _)| *name != "q");
        Self {
            essence,
            parameters,
            quality,
        }
    }

    fn wildness(&self) -> usize {
        self.essence.matches('*').count()
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let found = self.parameters.iter().find(|(has, _)| *has == name);
        found.map(|(_, value)| *value)
    }

    /// Whether a media type is within this range, parameters aside.
    pub(super) fn covers(&self, essence: &str) -> bool {
        match self.essence.strip_suffix('*') {
            None => self.essence.eq_ignore_ascii_case(essence),
            Some("*/") => true,
            Some(prefix) => essence
                .get(..prefix.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(prefix)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(header: &str) -> Vec<&str> {
        ranges(Some(header)).iter().map(|range| range.essence).collect()
    }

    #[test]
    fn ranges_are_ordered_by_quality_then_wildness_then_position() {
        assert_eq!(order("*/*, a/b;q=0.5, c/d , e/*"), ["c/d", "e/*", "*/*", "a/b"]);
        assert_eq!(order("a/b;q=0, c/d;q=0.1"), ["c/d"]);
    }

    #[test]
    fn no_header_or_an_empty_one_means_anything() {
        for header in [None, Some(""), Some("  ")] {
            assert_eq!(ranges(header).len(), 1);
            assert!(ranges(header)[0].covers("application/json"));
        }
    }

    #[test]
    fn parameters_are_read_and_odd_ones_do_no_harm() {
        let ranges = ranges(Some("application/json; v=v2 ;as=List;odd;q=x"));
        assert_eq!(ranges[0].parameter("v"), Some("v2"));
        assert_eq!(ranges[0].parameter("as"), Some("List"));
        assert_eq!(ranges[0].parameter("odd"), None);
    }

    #[test]
    fn a_range_covers_its_own_types_only() {
        let covers = |range: &str, essence| Range::parse(range).covers(essence);
        assert!(covers("application/*", "application/yaml"));
        assert!(covers("Application/JSON", "application/json"));
        assert!(!covers("text/*", "application/yaml"));
        assert!(!covers("application/json", "application/yaml"));
        assert!(!covers("applicationx/*", "app"));
    }
}
