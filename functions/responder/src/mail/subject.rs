//! Subjects: what is read on a locked telephone.
//!
//! The stack comes first, then the number of the incident, then whether anybody is needed. What does not fit is left out
//! as a whole, the least important first.
//!
//! Invariant: a subject is what SNS takes, ASCII, one line and under 100 characters
//! (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>), and never ends in half a word.

/// Longest subject, characters.
const SUBJECT_CHARS_MAX: usize = 99;

/// Longest form of a stack's name, characters: a stack's name may have 54, and would leave no room for what matters.
const STACK_CHARS_MAX: usize = 30;

/// What stands for the middle of a name.
const GAP: &str = "..";

/// A subject.
pub(super) struct Subject {
    /// For example `#17`; the same in all mails of one incident.
    number: Option<String>,
    /// From all there is to say to the least that will do.
    forms: Vec<String>,
}

impl Subject {
    pub(super) const fn new(forms: Vec<String>) -> Self {
        Self { number: None, forms }
    }

    /// `number` counts from 1; a letter of the time before there were numbers has none.
    pub(super) fn numbered(self, prefix: &str, number: u64) -> Self {
        Self { number: (number > 0).then(|| format!("{prefix}{number}")), ..self }
    }

    /// The first form that fits; of the last one as many words as do.
    pub(super) fn line(&self, stack: &str) -> String {
        let number = self.number.iter().map(|number| format!("{number} "));
        let head = format!("[{}] {}", stack_in_short(stack), number.collect::<String>());
        let lines = self.forms.iter().map(|form| plain(&format!("{head}{form}")));
        let mut lines = lines.collect::<Vec<_>>();
        let fits = lines.iter().position(|line| line.len() <= SUBJECT_CHARS_MAX);
        match fits {
            Some(fits) => lines.swap_remove(fits),
            None => lines.pop().map(|line| cut(&line).to_owned()).unwrap_or_default(),
        }
    }
}

/// Payment ids and codes are ASCII already; this is for what nobody thought of.
fn plain(text: &str) -> String {
    let plain = |char: char| if char.is_ascii_graphic() || char == ' ' { char } else { '?' };
    text.chars().map(plain).collect()
}

/// As many words as fit; a single word that does not is cut all the same.
fn cut(line: &str) -> &str {
    let fits = &line[..SUBJECT_CHARS_MAX.min(line.len())];
    let is_whole = line[fits.len()..].starts_with(' ');
    let end = if is_whole { Some(fits.len()) } else { fits.rfind(' ') };
    end.map_or(fits, |end| &fits[..end]).trim_end_matches([' ', ',', ':', ';', '('])
}

/// Stacks that belong together differ in their last words, and strangers in their first.
fn stack_in_short(stack: &str) -> String {
    if stack.len() <= STACK_CHARS_MAX || !stack.is_ascii() {
        return stack.chars().take(STACK_CHARS_MAX).collect();
    }
    let half = (STACK_CHARS_MAX - GAP.len()) / 2;
    let (first, last) = (&stack[..half], &stack[stack.len() - half..]);
    let first = first.rfind('-').map_or(first, |end| &first[..end]);
    let last = last.find('-').map_or(last, |begin| &last[begin + 1..]);
    format!("{first}{GAP}{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stack: &str, forms: &[&str]) -> String {
        Subject::new(forms.iter().map(|form| (*form).to_owned()).collect()).numbered("#", 17).line(stack)
    }

    #[test]
    fn the_longest_form_that_fits_is_taken_whole() {
        let long = "x".repeat(80);
        assert_eq!(line("payments-prod", &[&long, "ACTION NEEDED"]), "[payments-prod] #17 ACTION NEEDED");
        let fits = "x".repeat(79);
        assert_eq!(line("payments-prod", &[&fits, "ACTION NEEDED"]), format!("[payments-prod] #17 {fits}"));
    }

    #[test]
    fn what_fits_in_no_form_ends_after_a_word() {
        for words in 1..40 {
            for letters in 1..30 {
                let text = vec!["w".repeat(letters) + ","; words].join(" ");
                let line = line("payments-prod", &[&text]);
                assert!(line.len() <= SUBJECT_CHARS_MAX, "{line}");
                let last = line.rsplit(' ').next().unwrap_or_default().trim_end_matches(',');
                assert_eq!(last.len(), letters, "{line}");
            }
        }
    }

    #[test]
    fn a_subject_is_plain_and_one_that_is_one_word_is_cut() {
        let line = line("payments-prod", &[&"\u{e9}\n".repeat(100)]);
        assert!(line.len() <= SUBJECT_CHARS_MAX && line.is_ascii(), "{line}");
        assert!(line.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{line}");
    }

    #[test]
    fn a_long_name_keeps_its_first_and_its_last_words() {
        let names = [
            ("payments", "payments"),
            ("a-name-of-thirty-characters-it", "a-name-of-thirty-characters-it"),
            ("acme-card-payments-eu-central-1-production", "acme-card..1-production"),
            ("onewordthatgoesonandonandonandonandon", "onewordthatgoe..ndonandonandon"),
        ];
        for (name, short) in names {
            assert_eq!(stack_in_short(name), short);
            assert!(short.len() <= STACK_CHARS_MAX);
        }
    }

    #[test]
    fn a_letter_without_a_number_shows_none() {
        let subject = Subject::new(vec!["waiting".to_owned()]).numbered("#", 0);
        assert_eq!(subject.line("payments"), "[payments] waiting");
    }
}
