//! What people do, in a real browser on real nodes: headless Chromium, axe-core, w3m.

mod axe;
mod browser;
mod evening;
mod hostile;
mod keyboard;
mod media;
mod pages;
mod room;
mod screenshots;
mod text_browser;
mod titles;
