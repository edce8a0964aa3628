//! What this machine is, as far as it can be read.

use std::collections::BTreeMap;
use std::path::Path;

use leasehold_api::Quantity;
use leasehold_api::core::NodeSystemInfo;
use tokio::net::UdpSocket;

/// What is posted of the machine itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) hostname: String,
    /// Kinds of address and addresses.
    pub(super) addresses: Vec<(&'static str, String)>,
    pub(super) capacity: BTreeMap<String, Quantity>,
    pub(super) system: NodeSystemInfo,
}

impl Facts {
    /// Looks. `server` is where the machine's own address is looked for: it is the one that reaches the server.
    pub(super) async fn gather(server: Option<&(String, u16)>) -> Self {
        let system = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        let hostname = text(system.nodename()).to_lowercase();
        let mut addresses = vec![("Hostname", hostname.clone())];
        if let Some(address) = own_address(server).await {
            addresses.insert(0, ("InternalIP", address));
        }
        Self {
            hostname,
            addresses,
            capacity: capacity(),
            system: NodeSystemInfo {
                machine_id: first_line("/etc/machine-id"),
                system_uuid: first_line("/sys/class/dmi/id/product_uuid").to_lowercase(),
                boot_id: first_line("/proc/sys/kernel/random/boot_id"),
                kernel_version: text(system.release()),
                os_image: os_image(),
                kubelet_version: format!("v{}+leasehold", env!("CARGO_PKG_VERSION")),
                operating_system: std::env::consts::OS.to_owned(),
                architecture: architecture(std::env::consts::ARCH).to_owned(),
                ..NodeSystemInfo::default()
            },
        }
    }

    #[cfg(test)]
    pub(super) fn example() -> Self {
        Self {
            hostname: "host-1".into(),
            addresses: vec![("InternalIP", "192.0.2.1".into()), ("Hostname", "host-1".into())],
            capacity: BTreeMap::from([("cpu".into(), "4".parse().expect("a quantity"))]),
            system: NodeSystemInfo {
                operating_system: "linux".into(),
                architecture: "amd64".into(),
                ..NodeSystemInfo::default()
            },
        }
    }
}

/// The address from which the server is reached. No packet is sent for this.
async fn own_address(server: Option<&(String, u16)>) -> Option<String> {
    let (host, port) = server?;
    let target = tokio::net::lookup_host((host.as_str(), *port)).await.ok()?.next()?;
    let any = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await.ok()?;
    socket.connect(target).await.ok()?;
    Some(socket.local_addr().ok()?.ip().to_string())
}

fn capacity() -> BTreeMap<String, Quantity> {
    let cpus = std::thread::available_parallelism().map(|count| count.to_string());
    let memory = memory_kib("MemTotal").map(|kib| format!("{kib}Ki"));
    let amounts = [("cpu", cpus.ok()), ("memory", memory)];
    let amounts = amounts
        .into_iter()
        .filter_map(|(name, amount)| Some((name.to_owned(), amount?.parse().ok()?)));
    amounts.collect()
}

/// A line of `/proc/meminfo`, in KiB.
pub(super) fn memory_kib(field: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn os_image() -> String {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    pretty_name(&text).unwrap_or_else(|| std::env::consts::OS.to_owned())
}

/// `PRETTY_NAME` of an os-release file.
fn pretty_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

/// The first line of a file, or nothing where it cannot be read.
fn first_line(path: impl AsRef<Path>) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// Go's name of an architecture.
fn architecture(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_as_it_is_written() {
        let text = "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n";
        assert_eq!(pretty_name(text).as_deref(), Some("Debian GNU/Linux 13 (trixie)"));
        assert_eq!(pretty_name("PRETTY_NAME=Arch\n").as_deref(), Some("Arch"));
        assert_eq!(pretty_name("PRETTY_NAME=\"\"\n"), None);
        assert_eq!(pretty_name(""), None);
    }

    #[tokio::test]
    async fn this_machine_can_be_described() {
        let facts = Facts::gather(Some(&("127.0.0.1".into(), 9))).await;
        assert!(
            facts.addresses.contains(&("InternalIP", "127.0.0.1".into())),
            "{facts:?}"
        );
        assert!(facts.capacity.contains_key("cpu"));
        assert!(!facts.hostname.is_empty() && !facts.system.kernel_version.is_empty());
    }
}
