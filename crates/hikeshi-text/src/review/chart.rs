//! Charts as SVG, made here and nowhere else: no script, no font or image from elsewhere. The same numbers always stand in a table below.
//!
//! Colours come from the page's own variables, so that a chart is light or dark with the page; each bar also carries its number in words.

use hikeshi_domain::monitor::Verdict;

use crate::plain::one_line;

/// One bar. `marked` is the one that the report is about: it has another pattern, not only another colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    pub name: String,
    pub value: u64,
    pub marked: bool,
}

const WIDTH: u64 = 640;
const TOP: u64 = 28;
const HEIGHT: u64 = 180;
const FOOT: u64 = 30;
/// More bars than this could not be told apart on a phone.
const BARS_MAX: usize = 24;

fn escaped(text: &str) -> String {
    one_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Standing bars. `id` must be unique on the page; `title` says what it shows, `description` what it says.
pub fn bars(id: &str, title: &str, description: &str, bars: &[Bar]) -> String {
    let shown: Vec<&Bar> = bars.iter().take(BARS_MAX).collect();
    let count = u64::try_from(shown.len().max(1)).unwrap_or(1);
    let highest = shown.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    let slot = WIDTH / count;
    let mut marks = String::new();
    for (place, bar) in (0_u64..).zip(&shown) {
        let x = place * slot;
        let tall = bar.value.saturating_mul(HEIGHT) / highest;
        let (y, middle, thick) = (TOP + HEIGHT - tall, x + slot / 2, slot * 6 / 10);
        let left = x + (slot - thick) / 2;
        let class = if bar.marked { "bar marked" } else { "bar" };
        marks.push_str(&format!(
            "<rect class=\"{class}\" x=\"{left}\" y=\"{y}\" width=\"{thick}\" height=\"{tall}\"/>\
             <text class=\"value\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <text class=\"name\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            y.saturating_sub(6),
            bar.value,
            TOP + HEIGHT + 20,
            escaped(&bar.name)
        ));
    }
    let (id, floor) = (escaped(id), TOP + HEIGHT);
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" xmlns=\"http://www.w3.org/2000/svg\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>\
         <line class=\"floor\" x1=\"0\" y1=\"{floor}\" x2=\"{WIDTH}\" y2=\"{floor}\"/>{marks}</svg>",
        TOP + HEIGHT + FOOT,
        escaped(title),
        escaped(description)
    )
}

/// One look of a monitor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tick {
    pub verdict: Verdict,
    pub value: Option<f64>,
}

const TICK: u64 = 5;
const TICKS_MAX: usize = 120;
const TALL: u64 = 48;
/// What has no number, or the smallest one, is still seen.
const LOWEST: f64 = 4.0;

/// The latest looks of a monitor, the newest on the right. How a look went is in the shape of its bar, not only in its colour: a failure is as
/// tall as the picture, and a look that could not measure is a short one below the floor.
pub fn ticks(id: &str, title: &str, description: &str, ticks: &[Tick]) -> String {
    let shown = ticks.get(ticks.len().saturating_sub(TICKS_MAX)..).unwrap_or_default();
    let highest = shown.iter().filter_map(|tick| tick.value).fold(0.0, f64::max);
    let first = u64::try_from(TICKS_MAX.saturating_sub(shown.len())).unwrap_or(0);
    let mut marks = String::new();
    for (place, tick) in (first..).zip(shown) {
        let x = place * TICK;
        match tick.verdict {
            Verdict::Failed => marks.push_str(&format!("<rect class=\"failed\" x=\"{x}\" y=\"0\" width=\"4\" height=\"{TALL}\"/>")),
            Verdict::Unmeasured => {
                marks.push_str(&format!("<rect class=\"unmeasured\" x=\"{x}\" y=\"{}\" width=\"4\" height=\"8\"/>", TALL + 3));
            }
            Verdict::Passed => {
                let room = (TALL - 8) as f64;
                let share = tick.value.filter(|_| highest > 0.0).map_or(0.0, |value| value.max(0.0) / highest);
                let tall = (LOWEST + share * (room - LOWEST)).round();
                let y = TALL as f64 - tall;
                marks.push_str(&format!("<rect class=\"passed\" x=\"{x}\" y=\"{y}\" width=\"4\" height=\"{tall}\"/>"));
            }
        }
    }
    let (id, wide) = (escaped(id), TICK * u64::try_from(TICKS_MAX).unwrap_or(0));
    format!(
        "<svg class=\"chart looks\" viewBox=\"0 0 {wide} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" xmlns=\"http://www.w3.org/2000/svg\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>\
         <line class=\"floor\" x1=\"0\" y1=\"{floor}\" x2=\"{wide}\" y2=\"{floor}\"/>{marks}</svg>",
        TALL + 12,
        escaped(title),
        escaped(description),
        floor = TALL + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_failed_and_one_that_could_not_measure_have_other_shapes() {
        let tick = |verdict, value| Tick { verdict, value };
        let given = [
            tick(Verdict::Passed, Some(50.0)),
            tick(Verdict::Passed, Some(100.0)),
            tick(Verdict::Failed, None),
            tick(Verdict::Unmeasured, None),
        ];
        let svg = ticks("m", "<t>", "d", &given);
        assert!(svg.contains("<rect class=\"passed\" x=\"580\" y=\"26\" width=\"4\" height=\"22\"/>"), "{svg}");
        assert!(svg.contains("<rect class=\"passed\" x=\"585\" y=\"8\" width=\"4\" height=\"40\"/>"), "{svg}");
        assert!(svg.contains("<rect class=\"failed\" x=\"590\" y=\"0\" width=\"4\" height=\"48\"/>"), "{svg}");
        assert!(svg.contains("<rect class=\"unmeasured\" x=\"595\" y=\"51\" width=\"4\" height=\"8\"/>"), "{svg}");
        assert!(svg.contains("<title id=\"m-t\">&lt;t&gt;</title>"), "{svg}");
        let many = vec![tick(Verdict::Passed, None); 500];
        assert_eq!(ticks("m", "t", "d", &many).matches("<rect").count(), TICKS_MAX);
    }

    fn bar(name: &str, value: u64, marked: bool) -> Bar {
        Bar { name: name.to_owned(), value, marked }
    }

    #[test]
    fn the_highest_bar_fills_the_height_and_nothing_is_drawn_outside() {
        let svg = bars("c", "件数", "11月は4件", &[bar("10", 2, false), bar("11", 4, true)]);
        assert!(svg.contains("<rect class=\"bar\" x=\"64\" y=\"118\" width=\"192\" height=\"90\"/>"), "{svg}");
        assert!(svg.contains("<rect class=\"bar marked\" x=\"384\" y=\"28\" width=\"192\" height=\"180\"/>"), "{svg}");
        assert!(svg.contains("<title id=\"c-t\">件数</title><desc id=\"c-d\">11月は4件</desc>"), "{svg}");
    }

    #[test]
    fn no_uses_are_a_floor_with_noughts() {
        let svg = bars("c", "t", "d", &[bar("1", 0, false), bar("2", 0, true)]);
        assert_eq!(svg.matches("height=\"0\"").count(), 2);
        assert_eq!(svg.matches(">0</text>").count(), 2);
    }

    #[test]
    fn names_cannot_become_markup_and_a_long_list_is_cut() {
        let many: Vec<Bar> = (0..100).map(|value| bar("<b>\"&", value, false)).collect();
        let svg = bars("x\"y", "<t>", "&", &many);
        assert!(!svg.contains("<b>") && svg.contains("&lt;b&gt;&quot;&amp;"));
        assert_eq!(svg.matches("<rect").count(), BARS_MAX);
    }
}
