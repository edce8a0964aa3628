//! What a connection proves about its peer, judged when it is made and again when the authorities change.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::Peer;
use super::tls::{Current, Tls};

/// The certificate that a client showed, if any, and what became of it.
#[derive(Debug)]
pub(super) struct Proof {
    judged: RwLock<Judged>,
    /// What to judge again; nothing if the client showed nothing.
    again: Option<Again>,
}

#[derive(Debug)]
struct Judged {
    peer: Arc<Peer>,
    generation: u64,
}

#[derive(Debug)]
struct Again {
    tls: Arc<Tls>,
    chain: Vec<CertificateDer<'static>>,
}

impl Proof {
    /// Of a peer that showed nothing.
    pub(super) fn none(address: SocketAddr) -> Self {
        let peer = Arc::new(Peer {
            address,
            certificate: None,
        });
        Self {
            judged: RwLock::new(Judged { peer, generation: 0 }),
            again: None,
        }
    }

    /// Of a peer that has the key of the first certificate in `chain`.
    pub(super) fn certificate(address: SocketAddr, chain: Vec<CertificateDer<'static>>, tls: Arc<Tls>) -> Self {
        let judged = RwLock::new(judge(address, &chain, &tls.current()));
        Self {
            judged,
            again: Some(Again { tls, chain }),
        }
    }

    /// Who it is, by the authorities of this moment.
    pub(super) fn peer(&self) -> Arc<Peer> {
        let judged = self.judged.read();
        let Some(again) = &self.again else {
            return Arc::clone(&judged.peer);
        };
        if judged.generation == again.tls.generation() {
            return Arc::clone(&judged.peer);
        }
        let address = judged.peer.address;
        drop(judged);
        let fresh = judge(address, &again.chain, &again.tls.current());
        let peer = Arc::clone(&fresh.peer);
        *self.judged.write() = fresh;
        peer
    }
}

/// Without authorities a certificate says nothing at all, as if none was shown.
fn judge(address: SocketAddr, chain: &[CertificateDer<'_>], current: &Current) -> Judged {
    let now = UnixTime::now().as_secs().cast_signed();
    let certificate = current.clients.as_ref().map(|cas| Arc::new(cas.judge(chain, now)));
    Judged {
        peer: Arc::new(Peer { address, certificate }),
        generation: current.generation,
    }
}
