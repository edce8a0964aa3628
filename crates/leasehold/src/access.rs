//! Acting as the user of a kubeconfig: where the server is, how its certificate is checked, and who asks.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use crate::failure::{Failure, Kind};
use crate::files;
use crate::secret::Secret;

/// What the current context of a kubeconfig says.
pub(crate) struct Access {
    /// An `https://` URL.
    pub(crate) server: String,
    /// CA certificates in PEM.
    pub(crate) ca: String,
    /// Name in the serving certificate, where it is not that of the URL.
    pub(crate) tls_server_name: Option<String>,
    /// Client certificate and key in PEM.
    pub(crate) certificate: Option<(String, Secret)>,
    /// Bearer token.
    pub(crate) token: Option<Secret>,
}

/// Reads the kubeconfig in this file: this context of it, or else its current one.
pub(crate) fn read(path: &Path, context: Option<&str>) -> Result<Access, Failure> {
    let unusable = |why: &str| {
        let failure = Failure::new(Kind::Certificates, format!("kubeconfig {}: {why}", path.display()));
        failure.hint("name one with --kubeconfig, or the server's data directory with --data-dir")
    };
    let text = files::read(path).map_err(|error| unusable(&error.to_string()))?;
    let text = text.ok_or_else(|| unusable("there is no such file"))?;
    // The parser's own text is left out: it may quote what it was given, and that holds a key.
    let file: File = serde_saphyr::from_str(&text).map_err(|_| unusable("it is not a kubeconfig"))?;
    access(&file, context, path.parent().unwrap_or(Path::new("."))).map_err(|why| unusable(&why))
}

fn access(file: &File, context: Option<&str>, dir: &Path) -> Result<Access, String> {
    let name = context.unwrap_or(&file.current_context);
    let which = if context.is_some() {
        "the context"
    } else {
        "its current context"
    };
    let context = file.contexts.iter().find(|context| context.name == name);
    let context = &context.ok_or_else(|| format!("{which} is not there"))?.context;
    let cluster = file.clusters.iter().find(|cluster| cluster.name == context.cluster);
    let cluster = &cluster
        .ok_or_else(|| format!("the cluster of {which} is not there"))?
        .cluster;
    let user = file.users.iter().find(|user| user.name == context.user);
    let user = &user.ok_or_else(|| format!("the user of {which} is not there"))?.user;
    let ca = pem(
        cluster.certificate_authority_data.as_ref(),
        cluster.certificate_authority.as_ref(),
        dir,
    )?;
    let certificate = pem(
        user.client_certificate_data.as_ref(),
        user.client_certificate.as_ref(),
        dir,
    )?;
    let key = pem(user.client_key_data.as_ref(), user.client_key.as_ref(), dir)?;
    if certificate.is_none() && user.token.is_none() {
        return Err("its user has neither a client certificate nor a token".to_owned());
    }
    Ok(Access {
        server: cluster.server.clone(),
        ca: ca.ok_or("its cluster names no certificate authority")?,
        tls_server_name: cluster.tls_server_name.clone(),
        certificate: certificate.zip(key.map(Secret::new)),
        token: user.token.clone().map(Secret::new),
    })
}

/// What is embedded, or else in the file.
fn pem(embedded: Option<&String>, file: Option<&String>, dir: &Path) -> Result<Option<String>, String> {
    if let Some(data) = embedded {
        let decoded = BASE64_STANDARD
            .decode(data)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        return decoded
            .map(Some)
            .ok_or_else(|| "its embedded certificates are not in base64".to_owned());
    }
    let Some(name) = file else { return Ok(None) };
    let path = dir.join(name);
    std::fs::read_to_string(&path)
        .map(Some)
        .map_err(|error| format!("{}: {error}", path.display()))
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
    contexts: Vec<NamedContext>,
    current_context: String,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: String,
    certificate_authority_data: Option<String>,
    certificate_authority: Option<String>,
    tls_server_name: Option<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    client_certificate_data: Option<String>,
    client_certificate: Option<String>,
    client_key_data: Option<String>,
    client_key: Option<String>,
    token: Option<String>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    user: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
current-context: second
contexts:
- {name: first, context: {cluster: a, user: a}}
- {name: second, context: {cluster: b, user: b}}
clusters:
- {name: a, cluster: {server: 'https://a'}}
- {name: b, cluster: {server: 'https://b', certificate-authority: ca.pem, tls-server-name: c}}
users:
- {name: a, user: {}}
- {name: b, user: {token: t}}
";

    fn read_text(text: &str, dir: &Path) -> Result<Access, Failure> {
        let path = dir.join("config");
        std::fs::write(&path, text).unwrap();
        read(&path, None)
    }

    #[test]
    fn the_current_context_counts_and_files_are_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), "PEM").unwrap();
        let access = read_text(TWO, dir.path()).unwrap();
        assert_eq!((&*access.server, &*access.ca), ("https://b", "PEM"));
        assert_eq!(access.tls_server_name.as_deref(), Some("c"));
        assert_eq!(access.token.unwrap().expose(), "t");
        assert!(access.certificate.is_none());
    }

    #[test]
    fn what_is_missing_is_named_and_no_secret_is() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), "PEM").unwrap();
        for (text, about) in [
            ("token: secret\n- x", "not a kubeconfig"),
            (
                &TWO.replace("current-context: second", "current-context: third"),
                "current context",
            ),
            (
                &TWO.replace("{token: t}", "{}"),
                "neither a client certificate nor a token",
            ),
            (&TWO.replace("ca.pem", "none.pem"), "none.pem"),
        ] {
            let failure = read_text(text, dir.path()).err().unwrap();
            assert!(failure.message().contains(about), "{failure:?}");
            assert!(!failure.message().contains("secret"), "{failure:?}");
        }
    }
}
