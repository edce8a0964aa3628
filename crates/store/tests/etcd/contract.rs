//! The contract's suite, unchanged, over each etcd that is here.

use crate::harness::{Alone, alone};

/// One module for each kind of cluster.
macro_rules! over {
    ($name:ident, $version:ident, $members:literal) => {
        mod $name {
            async fn open() -> super::Alone {
                super::alone(leasehold_test_etcd::Version::$version, $members).await
            }

            leasehold_store::store_suite!(open().await);
        }
    };
}

over!(one_member_of_3_6, V3_6, 1);
over!(three_members_of_3_6, V3_6, 3);
over!(one_member_of_3_4, V3_4, 1);
over!(three_members_of_3_4, V3_4, 3);
