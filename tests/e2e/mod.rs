//! What people do, in a real browser on real nodes: headless Chromium, axe-core, w3m.

mod axe;
mod bring;
mod browser;
mod evening;
mod hostile;
mod itself;
mod keyboard;
mod live;
mod media;
mod pages;
mod preview;
mod reading;
mod room;
mod screenshots;
mod search;
mod text_browser;
mod titles;
mod transfers;
mod without_script;
