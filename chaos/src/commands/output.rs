//! Standard output, minded.
//!
//! Invariant: what could not be written is known at the end, unless the reader had read enough.

use std::io::{self, ErrorKind, Write};

/// A writer that goes on when writing fails, and remembers why it did.
pub(super) struct Output<'a> {
    to: &'a mut dyn Write,
    failed: Option<io::Error>,
}

impl<'a> Output<'a> {
    pub(super) fn to(to: &'a mut dyn Write) -> Self {
        Self { to, failed: None }
    }

    /// Why something could not be written, if it could not. A pipe that was closed is no failure: whoever closed it has
    /// read enough.
    pub(super) fn failed(self) -> Option<io::Error> {
        self.failed.filter(|error| error.kind() != ErrorKind::BrokenPipe)
    }

    fn mind(&mut self, done: io::Result<()>) {
        if let (Err(error), None) = (done, &self.failed) {
            self.failed = Some(error);
        }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write_all(bytes);
        self.mind(written);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.to.flush();
        self.mind(flushed);
        Ok(())
    }
}
