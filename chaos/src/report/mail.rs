//! Mails as files, and for reading.
//!
//! Invariant: a file is what a mail program opens: headers, an empty line, the text as it was sent.

use crate::cloud::sns::Mail;
use crate::units;
use payments::UnixMs;
use std::fs;
use std::path::{Path, PathBuf};

/// Where SNS writes from.
const FROM: &str = "AWS Notifications <no-reply@sns.amazonaws.com>";

/// Writes every mail into a folder `mails` of `folder`, in place of those of an earlier run; the folder, if there was any
/// to write.
pub(super) fn write(mails: &[Mail], folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let folder = folder.join("mails");
    forget(&folder)?;
    if mails.is_empty() {
        return Ok(None);
    }
    fs::create_dir_all(&folder)?;
    for (index, mail) in mails.iter().enumerate() {
        let at = units::instant(mail.at).replace(':', "-");
        fs::write(folder.join(format!("{:02}-{at}.eml", index + 1)), eml(mail))?;
    }
    Ok(Some(folder))
}

/// Removes the mails of an earlier run, and nothing else that somebody may keep beside them.
fn forget(folder: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            fs::remove_file(path)?;
        }
    }
    // It stays when it is not empty.
    let _ = fs::remove_dir(folder);
    Ok(())
}

/// The mail as a mail program reads it.
pub(super) fn eml(mail: &Mail) -> String {
    let Mail { at, to, subject, body, .. } = mail;
    let headers = [
        format!("From: {FROM}"),
        format!("To: {to}"),
        format!("Date: {}", date(*at)),
        format!("Subject: {subject}"),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=UTF-8".to_owned(),
        "Content-Transfer-Encoding: 8bit".to_owned(),
    ];
    let text = body.lines().collect::<Vec<_>>().join("\r\n");
    format!("{}\r\n\r\n{text}\r\n", headers.join("\r\n"))
}

/// `Mon, 05 Jan 2026 09:33:44 +0000`.
fn date(at: UnixMs) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_headers_an_empty_line_and_the_text() {
        let mail = Mail {
            at: UnixMs(1_767_605_624_000),
            topic: "alerts".to_owned(),
            to: "on-call@example.com".to_owned(),
            subject: "[payments] 3 payments waiting".to_owned(),
            body: "You need not get up.\n\nThree wait.\n".to_owned(),
        };
        let expected = "From: AWS Notifications <no-reply@sns.amazonaws.com>\r\nTo: on-call@example.com\r\n\
            Date: Mon, 05 Jan 2026 09:33:44 +0000\r\nSubject: [payments] 3 payments waiting\r\nMIME-Version: 1.0\r\n\
            Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
            You need not get up.\r\n\r\nThree wait.\r\n";
        assert_eq!(eml(&mail), expected);
    }
}
