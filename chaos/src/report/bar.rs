//! The progress bar: on a terminal only, on stderr, gone when the run is.
//!
//! Invariant: the run does not know whether anybody looks.

use crate::units;
use crate::world::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use payments::UnixMs;

const TEMPLATE: &str = "{msg} {wide_bar} {pos}/{len}";

/// A bar, or nothing.
pub struct Bar {
    bar: ProgressBar,
    began: UnixMs,
}

/// Whether a bar is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// On stderr.
    Shown,
    /// Nobody could see it.
    Hidden,
}

impl Bar {
    /// A bar for so many of anything.
    #[must_use]
    pub fn counting(length: u64, visibility: Visibility) -> Self {
        Self::new(length, UnixMs(0), visibility)
    }

    /// A bar for so many messages, of a run that begins at `began`.
    #[must_use]
    pub fn new(messages: u64, began: UnixMs, visibility: Visibility) -> Self {
        let target = match visibility {
            Visibility::Shown => ProgressDrawTarget::stderr(),
            Visibility::Hidden => ProgressDrawTarget::hidden(),
        };
        let style =
            ProgressStyle::with_template(TEMPLATE).expect("the template is a constant and well formed");
        let bar = ProgressBar::with_draw_target(Some(messages), target).with_style(style);
        Self { bar, began }
    }

    /// Shows how far the run is.
    pub fn show(&self, progress: &Progress) {
        if self.bar.is_hidden() {
            return;
        }
        let time = units::time_of_day(progress.now, self.began);
        let dead = units::counted(progress.dead_lettered, "dead letter");
        self.bar.set_message(format!("{time}  {dead}"));
        self.bar.set_position(progress.done + progress.dead_lettered);
    }

    /// It turns out how many there are.
    pub fn lengthen(&self, length: u64) {
        self.bar.set_length(length);
    }

    /// Shows that so many are done, and what is known by then.
    pub fn advance(&self, done: u64, known: &str) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_message(known.to_owned());
        self.bar.set_position(done);
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
