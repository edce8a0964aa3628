//! Any bytes at all, where files are read.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::embedded::log::record::{self, Record};
use crate::embedded::log::segment::Head;
use crate::embedded::log::{frame, tail};
use crate::{Key, Revision};

fn record() -> impl Strategy<Value = Record> {
    let value = proptest::option::of(vec(any::<u8>(), 0..300));
    (".{0,20}", ".{0,20}", any::<u64>(), value).prop_map(|(namespace, name, revision, value)| Record {
        key: Key {
            resource: "leases",
            namespace: namespace.into(),
            name: name.into(),
        },
        revision: Revision(revision),
        value: value.map(Into::into),
    })
}

proptest! {
    #[test]
    fn records_come_back_as_they_were(records in vec(record(), 0..20), salt: u32) {
        let mut buffer = Vec::new();
        frame::begin(&mut buffer);
        for record in &records {
            let before = buffer.len();
            record::encode(&mut buffer, &record.key, record.revision, record.value.as_ref());
            prop_assert_eq!(buffer.len() - before, record::encoded_len(&record.key, record.value.as_ref()));
        }
        let count = u32::try_from(records.len()).unwrap();
        frame::seal(&mut buffer, salt, count, Revision(3), Revision(9));
        let (header, payload) = frame::read(&buffer, salt).unwrap();
        prop_assert_eq!((header.count, header.previous, header.last), (count, Revision(3), Revision(9)));
        prop_assert_eq!(header.frame_len(), buffer.len());
        prop_assert_eq!(frame::records(payload, count), Some(records));
        prop_assert!(frame::read(&buffer, salt ^ 1).is_none(), "a frame of another file");
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400), salt: u32, count: u32) {
        let _decoded = record::decode(&mut &bytes[..]);
        let _records = frame::records(&bytes, count);
        let _head = Head::decode(&bytes);
        let _tail = tail::judge(&bytes, 0, salt);
        prop_assert!(frame::read(&bytes, salt).is_none(), "four bytes of checksum by chance");
    }
}
