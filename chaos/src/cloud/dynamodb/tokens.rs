//! Expressions, cut into words and signs.
//!
//! Invariant: nothing is skipped but blanks; a sign that is not known here makes no tokens at all.

/// What is left to read of an expression.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    /// The next one last.
    left: Vec<&'a str>,
}

impl<'a> Tokens<'a> {
    /// Cuts an expression up; `None` where it holds something else than words, placeholders and `( ) , = + <=`.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let mut left = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let is_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
            let placeholder = usize::from(rest.starts_with(['#', ':']));
            let word = rest[placeholder..].find(|sign| !is_word(sign)).unwrap_or(rest.len() - placeholder);
            let length = match word {
                0 if placeholder == 0 => sign_at(rest)?,
                0 => return None,
                letters => placeholder + letters,
            };
            left.push(&rest[..length]);
            rest = rest[length..].trim_start();
        }
        left.reverse();
        Some(Self { left })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Takes this sign, if it is the next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        self.left.pop_if(|next| *next == sign).is_some()
    }

    /// Takes this word, however it is spelled, if it is the next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.left.pop_if(|next| next.eq_ignore_ascii_case(word)).is_some()
    }

    /// Takes a word that is no placeholder.
    pub(super) fn word(&mut self) -> Option<&'a str> {
        self.left.pop_if(|next| next.starts_with(|sign: char| sign.is_ascii_alphabetic()))
    }

    /// Takes the placeholder of a name.
    pub(super) fn name(&mut self) -> Option<String> {
        self.left.pop_if(|next| next.starts_with('#')).map(str::to_owned)
    }

    /// Takes the placeholder of a value.
    pub(super) fn value(&mut self) -> Option<String> {
        self.left.pop_if(|next| next.starts_with(':')).map(str::to_owned)
    }
}

fn sign_at(text: &str) -> Option<usize> {
    if text.starts_with("<=") { Some(2) } else { text.starts_with(['(', ')', ',', '=', '+']).then_some(1) }
}
