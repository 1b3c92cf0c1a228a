//! What people do, in a real browser on real nodes: headless Chromium, axe-core, w3m.

mod axe;
mod browser;
mod media;
mod pages;
mod room;
