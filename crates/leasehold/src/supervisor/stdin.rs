//! The command's standard input, handed to the supervisor over its socket.
//!
//! The socket takes the place of the supervisor's own standard input. What the elector was given itself travels as a
//! descriptor with the first byte. A terminal is not handed on: the command's group is not the terminal's foreground
//! group, so it would only be stopped when it reads.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// Comes with the descriptor, because a descriptor cannot travel alone.
const BYTE: [u8; 1] = [b'>'];

/// Sends this process's standard input, or nothing in place of a terminal.
pub(super) fn send(socket: &UnixStream) -> io::Result<()> {
    use std::io::IsTerminal;
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let nothing = std::fs::File::open("/dev/null")?;
        return send_descriptor(socket, nothing.as_fd());
    }
    send_descriptor(socket, stdin.as_fd())
}

fn send_descriptor(socket: &UnixStream, descriptor: std::os::fd::BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, &[IoSlice::new(&BYTE)], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

/// Receives what [`send`] sent.
pub(super) fn receive(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    // The command gets it as its standard input, by a copy; this one must not leak into it beside that.
    let flags = RecvFlags::CMSG_CLOEXEC;
    recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, flags)?;
    let descriptor = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    descriptor.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no standard input was handed over"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_descriptor_arrives_and_what_follows_it_is_not_lost() {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let (mut reader, mut writer) = io::pipe().unwrap();
        send_descriptor(&here, writer.as_fd()).unwrap();
        here.write_all(b"until").unwrap();
        drop(here);

        let mut received = std::fs::File::from(receive(&there).unwrap());
        received.write_all(b"x").unwrap();
        writer.write_all(b"y").unwrap();
        drop((received, writer));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "xy");
        text.clear();
        there.read_to_string(&mut text).unwrap();
        assert_eq!(text, "until");
    }

    #[test]
    fn nothing_sent_is_an_error() {
        let (mut here, there) = UnixStream::pair().unwrap();
        here.write_all(b"x").unwrap();
        assert!(receive(&there).is_err());
    }
}
