//! Kubeconfig files: written with everything embedded, and read only for the cluster.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Kind};
use crate::files;
use crate::secret::Secret;

const CLUSTER: &str = "leasehold";

/// Where a server is, and how its certificate is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cluster {
    /// An `https://` URL.
    pub(crate) server: String,
    /// CA certificates in PEM; `None` leaves it to the system's roots.
    pub(crate) ca: Option<String>,
    /// Name in the serving certificate, where it is not that of the URL.
    pub(crate) tls_server_name: Option<String>,
}

/// A kubeconfig with one cluster, one user and one context.
pub(crate) struct Kubeconfig {
    pub(crate) cluster: Cluster,
    pub(crate) user: String,
    /// The client certificate in PEM.
    pub(crate) certificate: String,
    /// Its key in PEM.
    pub(crate) key: Secret,
}

impl Kubeconfig {
    /// The file as YAML: the same input gives the same bytes.
    pub(crate) fn render(&self) -> Result<Secret, Failure> {
        let context = format!("{}@{CLUSTER}", self.user);
        let file = File {
            api_version: "v1".to_owned(),
            kind: "Config".to_owned(),
            clusters: vec![NamedCluster {
                name: CLUSTER.to_owned(),
                cluster: ClusterEntry::from(&self.cluster),
            }],
            users: vec![NamedUser {
                name: self.user.clone(),
                user: UserEntry {
                    client_certificate_data: BASE64_STANDARD.encode(&self.certificate),
                    client_key_data: BASE64_STANDARD.encode(self.key.expose()),
                },
            }],
            contexts: vec![NamedContext {
                name: context.clone(),
                context: ContextEntry {
                    cluster: CLUSTER.to_owned(),
                    user: self.user.clone(),
                },
            }],
            current_context: context,
        };
        // Certificates stay on one line each, as in every kubeconfig, so that a line-wise script can find them.
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        // The serializer's own text is left out: it may quote what it was given, and that holds a key.
        serde_saphyr::to_string_with_options(&file, options)
            .map(Secret::new)
            .map_err(|_| Failure::new(Kind::Runtime, "cannot write a kubeconfig as YAML"))
    }
}

/// Path of the admin's kubeconfig in a data directory.
pub(crate) fn admin_path(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.kubeconfig")
}

/// The cluster of the kubeconfig in this file; `None` if there is no file.
pub(crate) fn read_cluster(path: &Path) -> Result<Option<Cluster>, Failure> {
    let unreadable = |why: String| Failure::new(Kind::Certificates, format!("cannot read {}: {why}", path.display()));
    let text = files::read(path).map_err(|error| unreadable(error.to_string()))?;
    text.map(|text| parse_cluster(&text).ok_or_else(|| unreadable("it is not a kubeconfig".to_owned())))
        .transpose()
}

fn parse_cluster(text: &str) -> Option<Cluster> {
    let file: ClustersOnly = serde_saphyr::from_str(text).ok()?;
    let entry = file.clusters.into_iter().next()?.cluster;
    let ca = match entry.certificate_authority_data {
        Some(data) => Some(String::from_utf8(BASE64_STANDARD.decode(data).ok()?).ok()?),
        None => None,
    };
    Some(Cluster {
        server: entry.server,
        ca,
        tls_server_name: entry.tls_server_name,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: String,
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
    contexts: Vec<NamedContext>,
    current_context: String,
}

#[derive(Deserialize)]
struct ClustersOnly {
    clusters: Vec<NamedCluster>,
}

#[derive(Serialize, Deserialize)]
struct NamedCluster {
    name: String,
    cluster: ClusterEntry,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ClusterEntry {
    server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate_authority_data: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls_server_name: Option<String>,
}

impl From<&Cluster> for ClusterEntry {
    fn from(cluster: &Cluster) -> Self {
        Self {
            server: cluster.server.clone(),
            certificate_authority_data: cluster.ca.as_ref().map(|pem| BASE64_STANDARD.encode(pem)),
            tls_server_name: cluster.tls_server_name.clone(),
        }
    }
}

#[derive(Serialize)]
struct NamedUser {
    name: String,
    user: UserEntry,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct UserEntry {
    client_certificate_data: String,
    client_key_data: String,
}

#[derive(Serialize)]
struct NamedContext {
    name: String,
    context: ContextEntry,
}

#[derive(Serialize)]
struct ContextEntry {
    cluster: String,
    user: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(user: &str) -> Kubeconfig {
        Kubeconfig {
            cluster: Cluster {
                server: "https://[::1]:6443".to_owned(),
                ca: Some("PEM ".repeat(300)),
                tls_server_name: Some("lease.example".to_owned()),
            },
            user: user.to_owned(),
            certificate: "CERTIFICATE ".repeat(100),
            key: Secret::new("KEY ".repeat(100)),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let written = kubeconfig("ada");
        assert_eq!(parse_cluster(written.render().unwrap().expose()), Some(written.cluster));
    }

    /// A user's name is anything: one that YAML would read as something else must come back as it was.
    #[test]
    fn names_survive_yaml() {
        for user in [
            "ada",
            "true",
            "null",
            "1e3",
            "system:node:a",
            "a: b",
            "#x",
            "'\"",
            "- y",
            "ä@b",
            "{}",
            "*a",
            "!x",
        ] {
            let text = kubeconfig(user).render().unwrap();
            let value: serde_json::Value = serde_saphyr::from_str(text.expose()).unwrap();
            assert_eq!(value["users"][0]["name"], user, "{}", text.expose());
            assert_eq!(value["contexts"][0]["context"]["user"], user);
            assert_eq!(value["current-context"], value["contexts"][0]["name"]);
            let data = value["users"][0]["user"]["client-key-data"].as_str().unwrap();
            assert_eq!(BASE64_STANDARD.decode(data).unwrap(), "KEY ".repeat(100).as_bytes());
        }
    }

    #[test]
    fn long_data_stays_on_its_line() {
        let text = kubeconfig("ada").render().unwrap();
        assert_eq!(text.expose().lines().filter(|line| line.contains("-data: ")).count(), 3);
        assert!(!text.expose().contains(['>', '|']), "{}", text.expose());
    }
}
