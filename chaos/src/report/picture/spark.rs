//! The picture in a terminal: a line of blocks each, all on the axis of the page.
//!
//! Invariant: without colours it is the same characters; a row in which nothing ever was is left out.

use super::{Axis, Picture, Row, Series, Span};
use crate::checks::Evidence;
use crate::report::Paint;
use crate::units::{count, counted, duration_ms, time_of_day};
use payments::UnixMs;

/// Columns at most: with name and note a line has 80 characters.
const COLUMNS_MAX: u32 = 48;

/// Heights of a column that is not empty.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Nothing.
const NONE: char = '·';

/// Title and lines of the picture of a run.
pub(crate) fn sparkline(evidence: &Evidence<'_>, paint: Paint) -> (String, Vec<String>) {
    let picture = Picture::of(evidence, COLUMNS_MAX);
    let axis = &picture.axis;
    let (from, until) = (time_of_day(axis.from(), axis.from()), time_of_day(axis.ended(), axis.from()));
    let column = duration_ms(axis.column_ms().unsigned_abs());
    let title = format!("On one axis, {from} to {until}; a column is {column}");
    (title, lines(&picture, paint))
}

fn lines(picture: &Picture, paint: Paint) -> Vec<String> {
    let Picture { axis, faults, trouble, sent, charged, queue, dead_letters, quarantine, .. } = picture;
    let mut lines = Vec::new();
    let mut line = |name: &str, blocks: String, coloured: fn(Paint, &str) -> String, note: String| {
        if blocks.chars().any(|block| block != NONE) {
            let name = paint.dim(&format!("{name:<13}"));
            lines.push(format!("  {name}{}  {note}", coloured(paint, &blocks)));
        }
    };
    let each = |series: &Series| format!("at most {} a column", count(series.most()));
    let deep = |series: &Series| format!("at most {}", count(series.most()));
    line("faults", held(axis, trouble), Paint::yellow, counted(faults.len() as u64, "kind"));
    line("sent", blocks(sent), |_, text| text.to_owned(), each(sent));
    line("charged", blocks(charged), Paint::green, each(charged));
    line("queue", blocks(queue), |_, text| text.to_owned(), deep(queue));
    line("dead letters", blocks(dead_letters), Paint::red, deep(dead_letters));
    line("quarantine", blocks(quarantine), Paint::yellow, deep(quarantine));
    let alarms = spans(&picture.alarms);
    line("alarms", held(axis, &alarms), Paint::red, counted(picture.alarms.len() as u64, "alarm"));
    let mails = numbers(axis, &picture.mails);
    line("mails", mails, |_, text| text.to_owned(), counted(picture.mails.len() as u64, "mail"));
    lines
}

fn spans(rows: &[Row]) -> Vec<Span> {
    rows.iter().flat_map(|row| row.spans.iter().cloned()).collect()
}

fn blocks(series: &Series) -> String {
    let heights = series.heights(BLOCKS.len() as u64, |range| range.most);
    heights.into_iter().map(|height| if height == 0 { NONE } else { BLOCKS[height as usize - 1] }).collect()
}

fn held(axis: &Axis, spans: &[Span]) -> String {
    let mut columns = vec![NONE; axis.columns()];
    for span in spans {
        // An end belongs to the column before it.
        let last = axis.column(span.until.plus_ms(-1)).max(axis.column(span.from));
        columns[axis.column(span.from)..=last].fill(BLOCKS[7]);
    }
    columns.into_iter().collect()
}

fn numbers(axis: &Axis, instants: &[UnixMs]) -> String {
    let mut columns = vec![0_u32; axis.columns()];
    instants.iter().for_each(|at| columns[axis.column(*at)] += 1);
    let number = |number| match number {
        0 => NONE,
        1..=9 => char::from_digit(number, 10).unwrap_or('+'),
        _ => '+',
    };
    columns.into_iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::a_bad_day;

    #[test]
    fn a_line_of_blocks_each_and_only_what_there_was() {
        let history = a_bad_day().told();
        let (title, lines) = sparkline(&Evidence::of(&history), Paint::Plain);
        insta::assert_snapshot!(format!("{title}\n{}", lines.join("\n")));
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let history = a_bad_day().told();
        let evidence = Evidence::of(&history);
        let ((_, plain), (_, coloured)) =
            (sparkline(&evidence, Paint::Plain), sparkline(&evidence, Paint::Colours));
        assert!(
            plain.iter().all(|line| !line.contains('\u{1b}'))
                && coloured.iter().all(|line| line.contains('\u{1b}'))
        );
        let stripped = coloured.iter().map(|line| {
            let parts = line.split('\u{1b}').enumerate();
            parts
                .map(
                    |(index, part)| {
                        if index == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) }
                    },
                )
                .collect::<String>()
        });
        assert_eq!(stripped.collect::<Vec<_>>(), plain);
    }
}
