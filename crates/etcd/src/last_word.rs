//! A TLS stream that tells why it was refused.
//!
//! With TLS 1.3 a server looks at our certificate after we think the handshake done, and refuses with an alert and the end of
//! the connection. What we write then fails first, with a broken pipe, and nobody would read the alert behind it. So when a
//! write fails, this reads what is there, and gives the alert as the reason.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose failing writes look for the other side's last word.
pub(crate) struct LastWord<S> {
    stream: S,
    /// How writing failed, while the last word is looked for.
    failure: Option<io::Error>,
}

/// Bytes read at a time in search of an alert.
const LOOK: usize = 4 << 10;

impl<S> LastWord<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, failure: None }
    }
}

impl<S: AsyncRead + Unpin> LastWord<S> {
    /// The outcome of a write, after the search if it failed. A connection that cannot be written to ends for the reader, too,
    /// so the search does.
    fn or_alert<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Poll::Ready(Err(error)) = written else {
            return written;
        };
        let failure = self.failure.take().unwrap_or(error);
        let mut space = [0; LOOK];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => {
                    self.failure = Some(failure);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Err(alert)) if alert.kind() == io::ErrorKind::InvalidData => {
                    return Poll::Ready(Err(alert));
                }
                Poll::Ready(_) => return Poll::Ready(Err(failure)),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LastWord<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for LastWord<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.or_alert(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.or_alert(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.or_alert(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Writes fail; reads give these, one after the other.
    struct Broken(Vec<io::Result<&'static [u8]>>);

    impl AsyncRead for Broken {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(self.0.remove(0).map(|bytes| buffer.put_slice(bytes)))
        }
    }

    impl AsyncWrite for Broken {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn failure(to_read: Vec<io::Result<&'static [u8]>>) -> io::ErrorKind {
        LastWord::new(Broken(to_read)).write_all(b"x").await.unwrap_err().kind()
    }

    #[tokio::test]
    async fn a_write_that_fails_tells_of_the_alert_behind_what_is_unread() {
        let alert = || Err(io::Error::new(io::ErrorKind::InvalidData, "alert"));
        assert_eq!(failure(vec![Ok(b"data"), alert()]).await, io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn without_an_alert_it_tells_of_itself() {
        let reset = || Err(io::ErrorKind::ConnectionReset.into());
        for to_read in [vec![Ok(&b""[..])], vec![Ok(b"data"), reset()]] {
            assert_eq!(failure(to_read).await, io::ErrorKind::BrokenPipe);
        }
    }

    #[tokio::test]
    async fn reads_are_untouched() {
        let mut read = [0; 4];
        LastWord::new(Broken(vec![Ok(b"data")]))
            .read_exact(&mut read)
            .await
            .unwrap();
        assert_eq!(&read, b"data");
    }
}
