use super::super::*;
use leasehold_clock::SystemClock;
#[tokio::test]
async fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let o = Options::new(dir.path().join("data"));
    let s = Embedded::open(&o, Arc::new(SystemClock)).unwrap();
    let key = Key {
        resource: "leases",
        namespace: "a".into(),
        name: "b".into(),
    };
    let r = s.create(key.clone(), Bytes::from_static(b"x")).await.unwrap();
    let r2 = s.update(key.clone(), Bytes::from_static(b"y"), r).await.unwrap();
    assert_eq!(
        s.update(key.clone(), Bytes::from_static(b"y"), r).await,
        Err(Error::Conflict(r2))
    );
    s.close().await.unwrap();
    let s2 = Embedded::open(&o, Arc::new(SystemClock));
    assert!(s2.is_ok(), "{:?}", s2.err());
    let s2 = s2.unwrap();
    assert_eq!(s2.get(&key).await.unwrap().unwrap().revision, r2);
    let mut w = s2.watch(Range::Resource("leases"), r).unwrap();
    assert_eq!(w.next().await.unwrap().changes.len(), 1);
}
