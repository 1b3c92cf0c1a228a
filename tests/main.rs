//! Tests from outside: the real binary, on a LAN of loopback addresses or in network namespaces.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests fail by panicking
#![allow(unreachable_pub, missing_debug_implementations)] // nothing here is anybody's library

mod support;

mod announcing;
mod archive;
mod bandwidth;
mod batch;
mod bring;
mod browse_pages;
mod browser_rules;
mod connections;
mod content;
mod directory;
mod e2e;
mod feed;
mod fetch_here;
mod folder;
mod golden;
mod golden_directory;
mod hostile_bodies;
mod hostile_index;
mod index_changes;
mod lifecycle;
mod live;
mod malformed;
mod manifest;
mod manifest_changes;
mod media;
mod mirror_events;
mod mirror_verified;
mod napster_cli;
mod napster_evening;
mod napster_golden;
mod napster_join;
mod napster_relay;
mod napster_room;
mod napster_scripted;
mod near_pages;
mod netns;
mod news;
mod operator_rules;
mod search_pages;
mod simulation;
mod start;
mod store;
mod store_intruders;
mod store_versions;
mod swarm;
mod swarm_change;
mod swarm_choice;
mod swarm_holders;
mod swarm_mixed;
mod swarm_resume;
mod transfers;
