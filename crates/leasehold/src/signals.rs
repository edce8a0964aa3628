//! What this process was told about signals before it began.

/// Whether whoever started this program wants it to live on when the terminal is gone, as nohup does. Linux only:
/// elsewhere nobody says so.
pub(crate) fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

/// From the mask `SigIgn` in /proc/PID/status: bit 0 is signal 1, which is SIGHUP.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_read_bit_by_bit() {
        assert!(ignores_hangup(
            "Name:\tx\nSigBlk:\t0\nSigIgn:\t0000000000001001\nSigCgt:\t1\n"
        ));
        assert!(!ignores_hangup(
            "SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n"
        ));
        assert!(!ignores_hangup(""));
    }
}
