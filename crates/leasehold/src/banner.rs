//! What `serve` says once it listens: where it is, and the lines to paste.
//!
//! It goes to stdout, for people; with `--log-format json` the log says the same and stdout stays empty.

use std::net::SocketAddr;
use std::path::Path;

/// The text of the banner.
pub(crate) fn text(url: &str, insecure: Option<SocketAddr>, kubeconfig: &Path) -> String {
    let also = insecure
        .map(|address| format!(" and, without TLS, on http://{address}"))
        .unwrap_or_default();
    let path = shell_quoted(&kubeconfig.display().to_string());
    format!(
        "Leasehold {} listens on {url}{also}. To use it:\n\n  export KUBECONFIG={path}\n  kubectl get leases -A\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// As a shell takes it for one word.
pub(crate) fn shell_quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,=".contains(c);
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where_and_how() {
        let text = text(
            "https://127.0.0.1:6443",
            "127.0.0.1:8080".parse().ok(),
            Path::new("/d/it's here/k"),
        );
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[0].contains("https://127.0.0.1:6443 and, without TLS, on http://127.0.0.1:8080."),
            "{text}"
        );
        assert_eq!(lines[2], r"  export KUBECONFIG='/d/it'\''s here/k'");
        assert_eq!(lines[3], "  kubectl get leases -A");
    }
}
