//! Without a mouse: whatever can be pressed is reached by the Tab key, in the order of the page,
//! and shows that it has the focus.

use super::browser::Tab;
use super::pages;
use super::room::Room;

/// More than any page has.
const STEPS_MAX: usize = 400;

/// What can be pressed or typed into, in the order of the page; of radio buttons one a group.
const REACHABLE: &str = "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, audio[controls], video[controls], [tabindex=\"0\"]')]
  .filter(one => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({visibilityProperty: true}) && !one.closest('[inert], dialog:not([open])')
    && (one.type !== 'radio' || one.checked))";
/// What makes visible that something has the focus.
const SHOWS_FOCUS: &str =
    "(one => { const style = getComputedStyle(one), label = one.closest('label') ?? one.labels?.[0];
  const drawn = it => it.outlineStyle !== 'none' && parseFloat(it.outlineWidth) >= 2 || it.boxShadow !== 'none';
  return drawn(style) || !!label && drawn(getComputedStyle(label)); })(document.activeElement)";

#[test]
fn everything_that_can_be_pressed_is_reached_by_the_tab_key_and_shows_it() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    for (address, words) in pages::pages(&room) {
        tab.open(&address).shows(words);
        // From the beginning, wherever the page put the focus.
        tab.ask("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')");
        let wanted = tab.ask(&format!("window.wanted = {REACHABLE}; wanted.length")).as_u64().unwrap();
        let mut reached = Vec::new();
        for _ in 0..STEPS_MAX {
            tab.key("Tab");
            let at = tab.ask("document.activeElement === document.body ? -2 : wanted.indexOf(document.activeElement)");
            let at = at.as_i64().unwrap();
            if at == -2 || reached.contains(&at) {
                break;
            }
            assert_eq!(
                tab.ask(SHOWS_FOCUS),
                true,
                "{address}: one does not see that this has the focus: {}",
                tab.focus()
            );
            reached.push(at);
        }
        assert!(reached.is_sorted(), "{address}: the order jumps: {reached:?}");
        let missed = (0..wanted as i64).find(|n| !reached.contains(n));
        let what = missed.map(|n| tab.ask(&format!("wanted[{n}].outerHTML.slice(0, 200)")));
        assert!(what.is_none(), "{address}: the Tab key does not reach {what:?}");
    }
}

#[test]
fn the_first_step_leads_past_what_every_page_begins_with() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    tab.open("/l/").key("Tab");
    assert!(tab.focus().ends_with("| #main"), "{}", tab.focus());
    tab.key("Enter").wait("document.activeElement.id === 'main' || location.hash === '#main'");
    tab.key("Tab");
    assert_eq!(tab.ask("document.activeElement.closest('main') !== null"), true, "{}", tab.focus());
}
